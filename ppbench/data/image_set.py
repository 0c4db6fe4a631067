"""One type for every set of labelled images: in memory, memory-mapped or decoded when asked for."""

import hashlib
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from ppbench.data.class_order import Classes

Labels = NDArray[np.int64]
Pixels = NDArray[np.uint8]
RowIndex = slice | NDArray[np.int64]

_DIGEST_ROWS = 512  # rows read at a time: a digest must not pull a memory-mapped set into memory


class Images(Protocol):
    """What a set's images must do: an array, a memory map, or a reader that decodes on demand."""

    @property
    def shape(self) -> tuple[int, ...]:
        """(N, H, W, 3)."""
        ...

    @property
    def dtype(self) -> np.dtype[np.uint8]:
        """Always uint8."""
        ...

    def __getitem__(self, rows: RowIndex, /) -> Pixels:
        """Return the images of these rows, (n, H, W, 3) uint8."""
        ...


@runtime_checkable
class Stored(Protocol):
    """Images that lie in files which can be read much faster than they can be decoded."""

    def content(self, row: int) -> bytes:
        """Return what decides the pixels of a row: its file's bytes, and what is done to it."""
        ...


@dataclass(frozen=True, eq=False)
class Rows:
    """Some rows of other images, read only when asked for; what `ImageSet.take` makes of lazy images."""

    base: Images
    rows: NDArray[np.int64]

    @property
    def shape(self) -> tuple[int, ...]:
        """(n, H, W, 3)."""
        return (len(self.rows), *self.base.shape[1:])

    @property
    def dtype(self) -> np.dtype[np.uint8]:
        """Always uint8."""
        return self.base.dtype

    def __getitem__(self, rows: RowIndex, /) -> Pixels:
        """Return the images of these rows of the view."""
        return np.asarray(self.base[self.rows[rows]])


@dataclass(frozen=True, eq=False)
class ImageSet:
    """Labelled images.

    Attributes:
        name: what tables call the set, e.g. ``"digits-c"``.
        images: (N, H, W, 3) uint8 RGB.
        labels: (N,) int64, in 0..num_classes-1.
        ids: (N,) int64, each image's index within the full set: what randomness and per-image results refer to,
            so that image k is the same image in every subset.
        num_classes: how many classes there are, seen in this set or not.
        classes: the class folders, where the labels come from folders; None where they are in the files.
        notes: what the user should know of how the images were found.
    """

    name: str
    images: Images
    labels: Labels
    ids: Labels
    num_classes: int
    classes: Classes | None = None
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        counts = {self.images.shape[0], len(self.labels), len(self.ids)}
        if len(counts) != 1:
            raise ValueError(f"expected as many images as labels and ids, got {sorted(counts)}")

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self.labels)

    @property
    def image_size(self) -> tuple[int, int]:
        """Height and width in pixels."""
        return self.images.shape[1], self.images.shape[2]

    def take(self, rows: NDArray[np.int64]) -> "ImageSet":
        """Return the set of these rows, in this order; what is lazy stays lazy."""
        in_memory = type(self.images) is np.ndarray
        images: Images = self.images[rows] if in_memory else Rows(self.images, rows)
        return replace(self, images=images, labels=self.labels[rows], ids=self.ids[rows])

    @cached_property
    def digest(self) -> str:
        """SHA-256, in hexadecimal, of the shape, the ids, the labels and every pixel, or every file behind them."""
        digest = hashlib.sha256(repr((tuple(self.images.shape), self.num_classes)).encode())
        digest.update(self.ids.astype("<i8").tobytes())
        digest.update(self.labels.astype("<i8").tobytes())
        base, rows = (
            (self.images.base, self.images.rows) if isinstance(self.images, Rows) else (self.images, None)
        )
        if isinstance(base, Stored):
            for row in range(len(self)) if rows is None else rows.tolist():
                digest.update(hashlib.sha256(base.content(row)).digest())
            return digest.hexdigest()
        for start in range(0, len(self), _DIGEST_ROWS):
            digest.update(np.ascontiguousarray(self.images[start : start + _DIGEST_ROWS]).data)
        return digest.hexdigest()
