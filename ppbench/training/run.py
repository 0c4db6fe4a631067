"""From a recipe's name to a file of weights."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from ppbench.atomic import sha256_of
from ppbench.data.training_sets import open_training
from ppbench.errors import InputError
from ppbench.models.checkpoint import save_checkpoint
from ppbench.models.input_spec import InputSpec
from ppbench.models.registry import architecture
from ppbench.training.loop import Epoch, clean_error, train
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
    out: Path | None = None,
    device: torch.device | None = None,
    overrides: Mapping[str, Any] | None = None,
    on_epoch: Callable[[Epoch], None] = lambda _epoch: None,
) -> Trained:
    """Train a network by a recipe and save it as safetensors, with all that made it in the file's metadata.

    Args:
        recipe: a shipped recipe's name, or a TOML file.
        model: an architecture; None takes the recipe's.
        seed: of the training.
        root: folder of the training images; None looks in the usual places.
        out: the file; None takes ``<model>-<recipe>.safetensors`` in this folder.
        device: where to train; None takes the CPU.
        overrides: fields of the recipe to change.
        on_epoch: called after each epoch.

    Raises:
        InputError: an unknown recipe, model or field, missing images, or an output that cannot be written.
    """
    how = load_recipe(recipe, overrides, model=model)
    network_name = how.model
    wanted = architecture(network_name)
    file = out or Path(f"{network_name}-{how.name}.safetensors")
    if file.suffix != ".safetensors":
        raise InputError(f"{file}: expected a file name that ends in .safetensors")
    if not file.parent.is_dir() or file.is_dir():
        raise InputError(f"{file}: expected a file in a folder that exists: choose another with --out")
    images, test = open_training(how.data, root=root)
    size = images.image_size[0]
    where = device or torch.device("cpu")
    network = train(
        lambda: wanted.build(images.num_classes, size),
        how,
        images,
        seed=seed,
        device=where,
        on_epoch=on_epoch,
    )
    error = clean_error(network, how, test, where)
    metadata = {
        "architecture": network_name,
        "num_classes": images.num_classes,
        "image_size": size,
        "input": InputSpec(size=size, mean=how.mean, std=how.std).to_dict(),
        "data": how.data,
        "data_digest": images.digest,
        "recipe": how.to_dict(),
        "seed": seed,
        "clean_error": error,
    }
    save_checkpoint(file, network, metadata)
    return Trained(file, sha256_of(file), network_name, how, seed, len(test), error)
