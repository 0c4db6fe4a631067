"""Small sets that are quickly learnt, and short recipes for them."""

from pathlib import Path

import numpy as np
from torch import nn

from ppbench.data.image_set import ImageSet
from ppbench.models.input_spec import InputSpec
from ppbench.models.loaded_model import LoadedModel
from ppbench.training.card import clean_error
from ppbench.training.recipe import SHIPPED, Recipe, load_recipe


def short_recipe(**changes: object) -> Recipe:
    """Two epochs of small batches."""
    return load_recipe("digits", {"epochs": 2, "batch_size": 16, "lr": 0.02, **changes})


def easy_images(count: int = 64) -> ImageSet:
    """Four classes that one look at the colour tells apart, with noise."""
    rng = np.random.default_rng(0)
    labels = np.arange(count, dtype=np.int64) % 4
    levels = np.array([[220, 30, 30], [30, 220, 30], [30, 30, 220], [120, 120, 120]])
    images = levels[labels][:, None, None] + rng.integers(-30, 30, (count, 32, 32, 3))
    return ImageSet("easy", images.astype(np.uint8), labels, np.arange(count), 4)


def error_of(network: nn.Module, recipe: Recipe, images: ImageSet) -> float:
    """What a network of four classes gets wrong of such images, per cent."""
    spec = InputSpec(size=32, mean=recipe.mean, std=recipe.std)
    return clean_error(LoadedModel("network", "network", network, spec, 4), images)


def small_recipe(root: Path) -> Path:
    """Write a recipe for a small CIFAR-10 into a folder, and return it."""
    text = (SHIPPED / "digits.toml").read_text()
    text = text.replace('"digits-c"', '"cifar10-c"').replace("batch_size = 64", "batch_size = 16")
    (root / "small.toml").write_text(text)
    return root / "small.toml"
