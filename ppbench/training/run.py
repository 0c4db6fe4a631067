"""From a recipe's name to a file of weights."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import nn

from ppbench import __version__
from ppbench.atomic import require_writable, sha256_of, write_text
from ppbench.data.image_set import ImageSet
from ppbench.data.training_sets import open_training
from ppbench.errors import InputError, check_seed
from ppbench.models.checkpoint import save_checkpoint
from ppbench.models.input_spec import InputSpec
from ppbench.models.load import load_model
from ppbench.models.loaded_model import LoadedModel
from ppbench.models.registry import architecture
from ppbench.models.storage import Bits, rounded
from ppbench.spelling import spelled
from ppbench.training.batches import fits
from ppbench.training.card import card, clean_error
from ppbench.training.fitting import fit
from ppbench.training.hardware import Hardware, is_first_process
from ppbench.training.progress import OnStep
from ppbench.training.recipe import Recipe, load_recipe
from ppbench.training.resume import alone, digest_of, finished, forget, identity_of, keeps


@dataclass(frozen=True)
class Trained:
    """What a training left: the file, its hash, and the error on the clean test images, per cent."""

    file: Path
    sha256: str
    model: str
    recipe: Recipe
    seed: int
    test_images: int
    clean_error: float

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain values, for JSON."""
        return {
            "file": str(self.file),
            "sha256": self.sha256,
            "model": self.model,
            "recipe": self.recipe.to_dict(),
            "seed": self.seed,
            "test_images": self.test_images,
            "clean_error": self.clean_error,
        }


def run_recipe(
    recipe: str,
    *,
    model: str | None = None,
    seed: int = 0,
    root: Path | None = None,
    test: Path | None = None,
    classes: str | Path | Sequence[str] | None = None,
    out: Path | None = None,
    overrides: Mapping[str, Any] | None = None,
    hardware: Hardware | None = None,
    fresh: bool = False,
    bits: Bits = 32,
    on_step: OnStep = lambda _progress: None,
    on_note: Callable[[str], None] = lambda _line: None,
) -> Trained | None:
    """Train a network by a recipe and save it as safetensors, with all that made it in the file's metadata.

    A model card is written beside it, ``<file without suffix>.md``. The state of the training and its logs are kept in
    ``<file without suffix>.training``; a training that was cut off goes on from there, to the same weights. One that is
    finished is not repeated.

    Args:
        recipe: a shipped recipe's name, or a TOML file.
        model: an architecture; None takes the recipe's.
        seed: of the training; 0 or more.
        root: the training images; None looks in the usual places.
        test: the clean test images; None takes those that lie with the training images.
        classes: which class folder has which label, as in `ppbench.data.sets.open_data`.
        out: the file; None takes ``<model>-<recipe>.safetensors`` in this folder.
        overrides: fields of the recipe to change.
        hardware: where to train, and with how many processes; None takes the best device here.
        fresh: start again, whatever state there is, and replace whatever file.
        bits: of the stored kernels' numbers; the clean error is that of the stored network.
        on_step: called after each step.
        on_note: called with a line about images that were passed over, or if there was nothing left to train.

    Returns:
        What the training left, now or before; None in all processes but the first.

    Raises:
        InputError: an unknown recipe, model or field, missing or damaged images, an output that cannot be written, a
            state or a file of another training, one that is at work there, or a loss that is no longer finite.
    """
    check_seed(seed)
    how = load_recipe(recipe, overrides, model=model)
    wanted = architecture(how.model)
    file = out or Path(f"{how.model}-{how.name}.safetensors")
    if file.suffix != ".safetensors":
        raise InputError(f"{file}: the name of the file has to end in .safetensors")
    if not file.parent.is_dir() or file.is_dir():
        raise InputError(
            f"{file}: is a folder, or in a folder that does not exist: choose another with --out"
        )
    for each in (file, _card_of(file)):  # found now, not after hours of training
        require_writable(each, "choose another with --out")
    images, test_images = open_training(how.data, root=root, test=test, classes=classes)
    size = images.image_size[0]
    state = file.with_suffix(".training")
    identity = identity_of(how, seed, digest_of(images))
    first = is_first_process()
    if first:
        for note in dict.fromkeys((*images.notes, *test_images.notes)):
            on_note(note)
    with alone(state) if first else nullcontext():
        # A state of this training goes before a file: it ended before all was written, or --fresh is to replace the
        # file.
        done = None if fresh or keeps(state, identity) else finished(file, identity, bits=bits)
        if done is not None:
            return _done(file, how, done, test_images, on_note) if first else None
        if first and spelled(state) != str(state):
            on_note(
                f"{state}: a folder whose name is not UTF-8: TensorBoard cannot write there, its log is left out"
            )
        if first and fits(test_images):
            # Read now: a damaged image is found before hours of training. A large set is not worth the wait.
            _ = test_images.images[:]
        network = fit(
            lambda: wanted.build(images.num_classes, size),
            how,
            images,
            seed=seed,
            folder=state,
            hardware=hardware or Hardware(),
            identity=identity,
            fresh=fresh,
            on_step=on_step,
        )
        if network is None:
            return None
        metadata = {
            "architecture": how.model,
            "num_classes": images.num_classes,
            "image_size": size,
            "input": InputSpec(size=size, mean=how.mean, std=how.std).to_dict(),
            "data": how.data,
            **identity,
            **_own_classes(images),
            "test_images": len(test_images),
            "test_digest": digest_of(test_images),
            "ppbench": __version__,
        }
        facts = _write(file, network, metadata, how, images, test_images, bits=bits, overrides=overrides)
        forget(state)  # not before: a full disk must not cost the training
    return _trained(file, how, facts)


def _own_classes(images: ImageSet) -> dict[str, Any]:
    """Return the names of the class folders, label 0 first, where no list that is known says them."""
    if images.classes is None or images.classes.by == "known":
        return {}
    return {"classes": list(images.classes.names)}


def _card_of(file: Path) -> Path:
    return file.with_suffix(".md")


def _write(
    file: Path,
    network: nn.Module,
    metadata: Mapping[str, Any],
    recipe: Recipe,
    images: ImageSet,
    test_images: ImageSet,
    *,
    bits: Bits,
    overrides: Mapping[str, Any] | None,
) -> dict[str, Any]:
    """Measure the clean error and write the file and its card; return the metadata, that error among them."""
    spec = InputSpec.from_dict(metadata["input"])
    model = LoadedModel(recipe.model, recipe.model, network, spec, images.num_classes)
    facts = {**metadata, "clean_error": clean_error(model, test_images)}
    if bits != 32:
        rounded(network, bits)
        facts |= {"clean_error": clean_error(model, test_images), "clean_error_before": facts["clean_error"]}
    save_checkpoint(file, network, facts, bits=bits)
    sha256 = sha256_of(file)
    parameters = sum(parameter.numel() for parameter in network.parameters())
    text = card(file.stem, facts, recipe, images, parameters, sha256, bits=bits, overrides=overrides)
    write_text(_card_of(file), text)
    return facts


def _done(
    file: Path,
    recipe: Recipe,
    facts: Mapping[str, Any],
    test_images: ImageSet,
    on_note: Callable[[str], None],
) -> Trained:
    """Return what a finished file is, by its own metadata; its clean error on other test images is measured now."""
    on_note(f"{file}: this training is done, nothing was trained; --fresh trains again")
    if facts.get("test_digest") == digest_of(test_images):
        return _trained(file, recipe, facts)
    on_note(f"{file}: these are other test images than its own: its clean error on them is measured now")
    model = load_model(
        recipe.model,
        checkpoint=file,
        data=recipe.data,
        num_classes=facts["num_classes"],
        image_size=facts["image_size"],
    )
    measured = {"test_images": len(test_images), "clean_error": clean_error(model, test_images)}
    return _trained(file, recipe, {**facts, **measured})


def _trained(file: Path, recipe: Recipe, facts: Mapping[str, Any]) -> Trained:
    """Return what a file of weights is, by its own metadata."""
    return Trained(
        file=file,
        sha256=sha256_of(file),
        model=recipe.model,
        recipe=recipe,
        seed=facts["seed"],
        test_images=facts["test_images"],
        clean_error=facts["clean_error"],
    )
