"""From a recipe's name to a file of weights."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ppbench import __version__
from ppbench.atomic import sha256_of, write_text
from ppbench.data.training_sets import open_training
from ppbench.errors import InputError
from ppbench.models.checkpoint import halved, save_checkpoint
from ppbench.models.input_spec import InputSpec
from ppbench.models.loaded_model import LoadedModel
from ppbench.models.reading import read
from ppbench.models.registry import architecture
from ppbench.training.card import card
from ppbench.training.clean_error import clean_error
from ppbench.training.digest import digest_of
from ppbench.training.fitting import fit
from ppbench.training.hardware import Hardware
from ppbench.training.keeping import forget
from ppbench.training.progress import OnStep
from ppbench.training.recipe import Recipe, load_recipe


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
    out: Path | None = None,
    overrides: Mapping[str, Any] | None = None,
    hardware: Hardware | None = None,
    fresh: bool = False,
    half: bool = False,
    on_step: OnStep = lambda _progress: None,
) -> Trained | None:
    """Train a network by a recipe and save it as safetensors, with all that made it in the file's metadata.

    A model card is written beside it, ``<file without suffix>.md``. The state of the training and its logs are kept in
    ``<file without suffix>.training``; a training that was cut off goes on from there, to the same weights.

    Args:
        recipe: a shipped recipe's name, or a TOML file.
        model: an architecture; None takes the recipe's.
        seed: of the training.
        root: the training images; None looks in the usual places.
        test: the clean test images; None takes those that lie with the training images.
        out: the file; None takes ``<model>-<recipe>.safetensors`` in this folder.
        overrides: fields of the recipe to change.
        hardware: where to train, and with how many processes; None takes the best device here.
        fresh: start again, whatever state there is, and replace whatever file.
        half: store the kernels in half precision; the clean error is that of the stored network.
        on_step: called after each step.

    Returns:
        What the training left; None in all processes but the first.

    Raises:
        InputError: an unknown recipe, model or field, missing or damaged images, an output that cannot be written, a
            state or a file of another training, or a loss that is no longer finite.
    """
    how = load_recipe(recipe, overrides, model=model)
    wanted = architecture(how.model)
    file = out or Path(f"{how.model}-{how.name}.safetensors")
    if file.suffix != ".safetensors":
        raise InputError(f"{file}: expected a file name that ends in .safetensors")
    if not file.parent.is_dir() or file.is_dir():
        raise InputError(f"{file}: expected a file in a folder that exists: choose another with --out")
    if file.exists() and not fresh:
        _refuse_another(file, how, seed)
    images, test_images = open_training(how.data, root=root, test=test)
    size = images.image_size[0]
    state = file.with_suffix(".training")
    network = fit(
        lambda: wanted.build(images.num_classes, size),
        how,
        images,
        seed=seed,
        folder=state,
        hardware=hardware or Hardware(),
        fresh=fresh,
        on_step=on_step,
    )
    if network is None:
        return None
    if half:
        halved(network)
    spec = InputSpec(size=size, mean=how.mean, std=how.std)
    error = clean_error(LoadedModel(how.model, how.model, network, spec, images.num_classes), test_images)
    metadata = {
        "architecture": how.model,
        "num_classes": images.num_classes,
        "image_size": size,
        "input": spec.to_dict(),
        "data": how.data,
        "data_digest": digest_of(images),
        "recipe": how.to_dict(),
        "seed": seed,
        "clean_error": error,
        "test_images": len(test_images),
        "ppbench": __version__,
    }
    save_checkpoint(file, network, metadata, half=half)
    sha256 = sha256_of(file)
    parameters = sum(parameter.numel() for parameter in network.parameters())
    write_text(file.with_suffix(".md"), card(file.stem, metadata, how, images, parameters, sha256, half=half))
    forget(state)  # not before: a full disk or a damaged test image must not cost the training
    return Trained(file, sha256, how.model, how, seed, len(test_images), error)


def _refuse_another(file: Path, recipe: Recipe, seed: int) -> None:
    """Look at the file that is there: hours of another training are not replaced in silence.

    Raises:
        InputError: it is of another recipe or seed, or none that was trained here.
    """
    wanted = json.loads(json.dumps({"recipe": recipe.to_dict(), "seed": seed}))
    found = read(file).metadata
    if other := [key for key in wanted if found.get(key) != wanted[key]]:
        raise InputError(
            f"{file}: expected no file, or one of this training, got one of another {other[0]}: choose another --out, "
            "or replace it with --fresh"
        )
