"""From training images to what the network sees: augmented, scaled, normalised; one view of each image or three."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

from ppbench.errors import InputError, unknown
from ppbench.training.augmentations.per_image import PER_IMAGE, per_image
from ppbench.training.augmentations.prime import Prime, PrimeConfig
from ppbench.training.recipe import Recipe

AUGMENTATIONS = ("none", *PER_IMAGE, "prime")

SMALL = 64
"""Images up to this side, in pixels, have the augmentation constants of CIFAR; larger ones those of ImageNet."""


class Views:
    """Makes the views of a recipe.

    With a consistency loss there are three views of an image: clean, and two augmented ones; without there is one,
    augmented.
    """

    def __init__(self, recipe: Recipe, image_size: int, seed: int) -> None:
        """Prepare the recipe's augmentation.

        Raises:
            InputError: there is no such augmentation, or none for a consistency loss.
        """
        if recipe.augmentation not in AUGMENTATIONS:
            raise unknown("augmentation", recipe.augmentation, AUGMENTATIONS)
        if recipe.jsd and recipe.augmentation == "none":
            raise InputError("expected an augmentation for the consistency loss, got none: --set jsd=0")
        name = recipe.augmentation
        small = image_size <= SMALL
        self._image_by_image = per_image(name, small=small) if name in PER_IMAGE else None
        self._prime = (
            Prime(PrimeConfig.cifar() if small else PrimeConfig.imagenet()) if name == "prime" else None
        )
        self._three = recipe.jsd > 0
        self._seed = seed
        self._mean = torch.tensor(recipe.mean).view(3, 1, 1)
        self._std = torch.tensor(recipe.std).view(3, 1, 1)

    def image_by_image(self, images: Tensor, ids: Tensor, epoch: int) -> Tensor:
        """Return the views that are made on the CPU: (V, N, 3, H, W) uint8 of (N, 3, H, W) uint8."""
        augment = self._image_by_image
        if augment is None:
            return images[None]
        made = [
            augment(images, seed=self._seed, epoch=epoch, ids=ids, view=view)
            for view in range(2 if self._three else 1)
        ]
        return torch.stack([images, *made] if self._three else made)

    def in_batches(self, views: Tensor, ids: Tensor, step: int) -> Tensor:
        """Return what the network sees: (V, N, 3, H, W) float32, normalised."""
        scaled = views.float().div_(255.0)
        if self._prime is not None:
            with torch.no_grad(), _single_precision(scaled.device.type):
                made = [
                    self._prime(scaled[0], seed=self._seed, step=step, ids=ids, view=view)
                    for view in range(2 if self._three else 1)
                ]
            scaled = torch.stack([scaled[0], *made] if self._three else made)
        return (scaled - self._mean.to(scaled.device)) / self._std.to(scaled.device)


@contextmanager
def _single_precision(device: str) -> Iterator[None]:
    """Compute in float32 and make float32 tensors, whatever precision the network is trained in around it."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float32)
    try:
        with torch.autocast(device, enabled=False):
            yield
    finally:
        torch.set_default_dtype(before)
