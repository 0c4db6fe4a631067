"""A small set that is quickly learnt, and a short recipe for it."""

import numpy as np

from ppbench.data.image_set import ImageSet
from ppbench.training.recipe import Recipe, load_recipe


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
