"""Large training sets: worker processes read, cut and augment image files while the device trains."""

import math
import multiprocessing
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler
from torchvision.transforms import InterpolationMode
from torchvision.transforms.v2 import functional as geometry

from corruptions import Random
from ppbench.data.image_files import ImageFiles
from ppbench.data.image_set import ImageSet
from ppbench.data.picture import open_rgb
from ppbench.errors import InputError
from ppbench.training.batch import Batch
from ppbench.training.order import epoch_order, rows_of_step
from ppbench.training.recipe import Recipe
from ppbench.training.views import Views

_SCALE = (0.08, 1.0)
_LOG_RATIO = (math.log(3 / 4), math.log(4 / 3))
"""Torchvision's RandomResizedCrop: share of the area, and ratio of width to height."""


class Streamed:
    """Image files, read anew in every epoch."""

    def __init__(self, images: ImageSet, recipe: Recipe, views: Views, seed: int, workers: int) -> None:
        """Prepare the readers.

        Args:
            images: of files.
            recipe: how to train.
            views: the augmentation.
            seed: of the training.
            workers: reading processes; 0 reads in this one.
        """
        assert isinstance(images.images, ImageFiles)
        self._files = Files(images.images, torch.from_numpy(images.labels), recipe, views, seed)
        self._recipe = recipe
        self._seed = seed
        self._workers = workers

    @property
    def steps(self) -> int:
        """Steps of an epoch."""
        return len(self._files) // self._recipe.batch_size

    def epoch(self, epoch: int, *, first: int = 0, rank: int = 0, processes: int = 1) -> Any:
        """Return the batches of an epoch from step `first` on, those of one process."""
        order = epoch_order(len(self._files), self._seed, epoch)
        rows = [
            rows_of_step(order, self._recipe.batch_size, step, rank, processes).tolist()
            for step in range(first, self.steps)
        ]
        return DataLoader(
            self._files,
            batch_sampler=_Batches([[(epoch, row) for row in batch] for batch in rows]),
            num_workers=self._workers,
            multiprocessing_context=_clean_processes() if self._workers else None,
            collate_fn=_collate,
            pin_memory=torch.cuda.is_available(),
            prefetch_factor=4 if self._workers else None,
        )


@cache
def _clean_processes() -> Any:
    """Return how workers are started: from a process of one thread, as a forked copy of this one could stand still.

    That process has imported what workers need, so that none of them takes the seconds for it, epoch after epoch.
    """
    kind = "forkserver" if "forkserver" in multiprocessing.get_all_start_methods() else "spawn"
    context = multiprocessing.get_context(kind)
    if kind == "forkserver":
        context.set_forkserver_preload([__name__])
    return context


@dataclass(frozen=True)
class Item:
    """One image's views (V, 3, H, W) uint8, or why it could not be read."""

    row: int
    label: int
    views: Tensor | None
    trouble: str = ""


@dataclass(frozen=True)
class Files(Dataset[Item]):
    """Cuts and augments an image, given (epoch, row); in a worker."""

    files: ImageFiles
    labels: Tensor
    recipe: Recipe
    views: Views
    seed: int

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self.labels)

    def __getitem__(self, wanted: tuple[int, int]) -> Item:
        """Return an image as it is seen in an epoch; trouble is returned, as a worker's exception loses its type."""
        epoch, row = wanted
        item = Item(row, int(self.labels[row]), None)
        path = self.files.folder / self.files.names[row]
        try:
            image = self._cut(
                path, Random(self.seed, f"crop/{epoch}", 0, torch.tensor([row]), torch.device("cpu"))
            )
        except InputError as error:
            return replace(item, trouble=str(error))
        made = self.views.image_by_image(image[None], torch.tensor([row]), epoch)
        return replace(item, views=made[:, 0])

    def _cut(self, path: Path, draws: Random) -> Tensor:
        """Return a crop of the file, (3, size, size) uint8."""
        decoded = open_rgb(path, draft=self.short_side)
        image = torch.from_numpy(np.array(decoded)).permute(2, 0, 1)
        size = self.files.geometry.size
        where = draws.uniform("where", 2)[0].tolist()
        if self.recipe.crop == "any-scale":
            height, width = _any_scale(image.shape[-2], image.shape[-1], draws)
            top, left = (
                int(where[0] * (image.shape[-2] - height + 1)),
                int(where[1] * (image.shape[-1] - width + 1)),
            )
            cut = geometry.resized_crop(
                image, top, left, height, width, [size, size], InterpolationMode.BILINEAR, True
            )
        else:
            image = geometry.resize(image, [self.short_side], InterpolationMode.BILINEAR, antialias=True)
            top, left = (int(where[k] * (image.shape[k - 2] - size + 1)) for k in range(2))
            cut = geometry.crop(image, top, left, size, size)
        if self.recipe.flip and draws.uniform("flip", 1).item() < 0.5:
            cut = geometry.horizontal_flip(cut)
        whole: Tensor = cut.contiguous()
        return whole

    @property
    def short_side(self) -> int:
        """The shorter side after resizing, in pixels."""
        return self.files.geometry.resize or self.files.geometry.size


def _any_scale(height: int, width: int, draws: Random) -> tuple[int, int]:
    """Return the height and width of a crop as torchvision's RandomResizedCrop draws them."""
    shares = draws.uniform("share", 10, low=_SCALE[0], high=_SCALE[1])[0].tolist()
    ratios = draws.uniform("ratio", 10, low=_LOG_RATIO[0], high=_LOG_RATIO[1])[0].tolist()
    for share, log_ratio in zip(shares, ratios, strict=True):
        ratio, area = math.exp(log_ratio), share * height * width
        w, h = round(math.sqrt(area * ratio)), round(math.sqrt(area / ratio))
        if 0 < w <= width and 0 < h <= height:
            return h, w
    # Ten draws did not fit: as much of the image as the range of ratios allows.
    ratio = min(max(width / height, math.exp(_LOG_RATIO[0])), math.exp(_LOG_RATIO[1]))
    return min(height, round(width / ratio)), min(width, round(height * ratio))


class _Batches(Sampler[list[tuple[int, int]]]):
    def __init__(self, batches: list[list[tuple[int, int]]]) -> None:
        self._batches = batches

    def __len__(self) -> int:
        return len(self._batches)

    def __iter__(self) -> Iterator[list[tuple[int, int]]]:
        return iter(self._batches)


def _collate(items: list[Item]) -> Batch | str:
    """Return the batch; or what is wrong with its first damaged file, which the main process raises."""
    views = [item.views for item in items if item.views is not None]
    if len(views) < len(items):
        return next(item.trouble for item in items if item.views is None)
    return Batch(
        torch.tensor([item.row for item in items]),
        torch.stack(views, dim=1),
        torch.tensor([item.label for item in items]),
    )


def checked(batch: Batch | str) -> Batch:
    """Return a batch.

    Raises:
        InputError: it is the line about a damaged file.
    """
    if isinstance(batch, str):
        raise InputError(batch)
    return batch
