"""The batches of a training: which images in which order, augmented and scaled, on whatever device.

All of it is a pure function of seed, step and image: nothing needs to be kept to go on from a step. Small sets are held
in memory as uint8, cut and augmented in whole batches; of large ones worker processes read, cut and augment the files
while the device trains.
"""

import math
import multiprocessing
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from hashlib import blake2b
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler
from torchvision.transforms import InterpolationMode
from torchvision.transforms.v2 import functional as geometry

from corruptions import Random
from ppbench.data.image_files import Geometry, ImageFiles
from ppbench.data.image_set import ImageSet
from ppbench.data.picture import open_rgb
from ppbench.errors import InputError, unknown
from ppbench.training.augmentations.operations import shift_and_flip
from ppbench.training.augmentations.per_image import PER_IMAGE, per_image
from ppbench.training.augmentations.prime import Prime, PrimeConfig
from ppbench.training.recipe import AUGMENTATIONS, Recipe


class Batch(NamedTuple):
    """Images of one step, or of one process's share of it.

    Attributes:
        ids: (n,) int64, each image's index in the training set: what augmentation draws refer to;
            always on the CPU, where the draws are made without waiting for the device.
        views: (V, n, 3, H, W) uint8: V is 3 (clean and two augmented views) where views are made image by image and
            compared with each other, otherwise 1.
        labels: (n,) int64.
    """

    ids: Tensor
    views: Tensor
    labels: Tensor


def seed_of(*parts: object) -> int:
    """Return a seed of 63 bits for torch's generators, different for different parts."""
    return int.from_bytes(blake2b(repr(parts).encode(), digest_size=8).digest(), "little") >> 1


def epoch_order(count: int, seed: int, epoch: int) -> Tensor:
    """Return the rows 0..count-1 in the order of an epoch, int64."""
    generator = torch.Generator().manual_seed(seed_of("order", seed, epoch))
    return torch.randperm(count, generator=generator)


def rows_of_step(order: Tensor, batch_size: int, step: int, rank: int = 0, processes: int = 1) -> Tensor:
    """Return the rows of one process in a step of an epoch, (batch_size / processes,).

    Together the processes have the rows that one process would have.

    Args:
        order: of the epoch.
        batch_size: over all processes; a multiple of their number.
        step: within the epoch, from 0.
        rank: which process, from 0.
        processes: how many.
    """
    return order[step * batch_size : (step + 1) * batch_size][rank::processes]


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
            raise InputError(
                "the consistency loss needs an augmentation: name one with --augmentation, or --set jsd=0"
            )
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
        size = self._fixed.size
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
        return self._fixed.resize or self._fixed.size

    @property
    def _fixed(self) -> Geometry:
        """What is done to each file."""
        assert isinstance(self.files.geometry, Geometry)  # no set for training keeps its images' own size
        return self.files.geometry


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


Source = Resident | Streamed


def source_of(
    images: ImageSet, recipe: Recipe, views: Views, seed: int, workers: int
) -> Callable[[torch.device], Source]:
    """Return what reads the images, once it is told the device.

    The recipe's crop decides: a place of a file is cut out anew in every epoch, whole images are held in memory.

    Args:
        images: the training images.
        recipe: how to train.
        views: the augmentation.
        seed: of the training.
        workers: processes that read files; 0 reads them in this one.

    Raises:
        InputError: crops of images that are no files, moved crops, or whole images that do not fit into memory.
    """
    if recipe.crop == "none":
        if not fits(images):
            raise InputError(
                f"expected a crop of centre-scale or any-scale for {len(images):,} images that do not fit into memory, "
                "got none: --set crop=centre-scale"
            )
        return lambda device: Resident(images, recipe, views, seed, device)
    if not isinstance(images.images, ImageFiles):
        raise InputError(
            f"expected crop to be none for the images of {images.name}, which are no files, got {recipe.crop}"
        )
    if recipe.shift:
        raise InputError(f"expected shift to be 0 beside the crop {recipe.crop}, got {recipe.shift}")
    return lambda _device: Streamed(images, recipe, views, seed, workers)
