"""Small training sets: all images in memory as uint8, cut and augmented in whole batches, no worker processes."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ppbench.data.image_set import ImageSet
from ppbench.training.augmentations.geometry import shift_and_flip
from ppbench.training.batch import Batch
from ppbench.training.order import epoch_order, rows_of_step
from ppbench.training.recipe import Recipe
from ppbench.training.views import Views

RESIDENT_BYTES = 2 << 30


def fits(images: ImageSet) -> bool:
    """Say whether a set is small enough to be held in memory: 50,000 images of 32 pixels are 150 MB."""
    return int(np.prod(images.images.shape)) <= RESIDENT_BYTES


class Resident:
    """The training images on a device, from which each epoch's batches are taken."""

    def __init__(
        self, images: ImageSet, recipe: Recipe, views: Views, seed: int, device: torch.device
    ) -> None:
        """Read all images.

        Raises:
            InputError: a file is missing or damaged.
        """
        self._pixels = torch.from_numpy(images.images[:]).to(device)
        self._labels = torch.from_numpy(images.labels).to(device)
        self._recipe = recipe
        self._views = views
        self._seed = seed

    def epoch(self, epoch: int, *, first: int = 0, rank: int = 0, processes: int = 1) -> "Epoch":
        """Return the batches of an epoch from step `first` on, those of one process."""
        return Epoch(self, epoch, first, rank, processes)

    def batch(self, rows: Tensor, epoch: int) -> Batch:
        """Return these rows, cut and augmented as in this epoch."""
        there = rows.to(self._pixels.device)
        recipe = self._recipe
        images = shift_and_flip(
            self._pixels[there],
            rows,
            seed=self._seed,
            epoch=epoch,
            pixels=recipe.shift,
            fill=recipe.shift_fill,
            flip=recipe.flip,
        )
        views = self._views.image_by_image(images.permute(0, 3, 1, 2), rows, epoch)
        return Batch(rows, views, self._labels[there])

    @property
    def steps(self) -> int:
        """Steps of an epoch."""
        return len(self._labels) // self._recipe.batch_size

    def order(self, epoch: int) -> Tensor:
        """Return the order of an epoch."""
        return epoch_order(len(self._labels), self._seed, epoch)

    @property
    def batch_size(self) -> int:
        """Images of a step, over all processes."""
        return self._recipe.batch_size


@dataclass(frozen=True)
class Epoch:
    """The batches of an epoch that are still to come, for one process."""

    source: Resident
    epoch: int
    first: int
    rank: int
    processes: int

    def __len__(self) -> int:
        """Return how many are to come."""
        return self.source.steps - self.first

    def __iter__(self) -> Iterator[Batch]:
        """Yield them."""
        order = self.source.order(self.epoch)
        for step in range(self.first, self.source.steps):
            rows = rows_of_step(order, self.source.batch_size, step, self.rank, self.processes)
            yield self.source.batch(rows, self.epoch)
