"""The images of a run: clean ones to corrupt, or published cells to read."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from ppbench.data.class_order import Classes
from ppbench.data.generated_set import GeneratedSet
from ppbench.data.image_set import ImageSet, Labels
from ppbench.data.own_size import Sizes

SourceKind = Literal["generated", "published"]


class PublishedCells(Protocol):
    """A published set that has been opened: its cells are read when asked for."""

    @property
    def labels(self) -> Labels:
        """(N,) int64: the labels of every cell."""
        ...

    @property
    def classes(self) -> Classes | None:
        """The class folders; None where there are none."""
        ...

    def cell(self, corruption: str, severity: int) -> ImageSet:
        """Return one corruption at one severity, in the order of `labels`."""
        ...

    def digest(self) -> str:
        """Return what tells this set from another one, whichever corruptions of it were opened."""
        ...

    def corruption_digest(self, corruption: str) -> str:
        """Return what tells the images of one corruption from others."""
        ...


@dataclass(frozen=True, eq=False)
class DataSource:
    """Where the images of a run come from; everything about it has been checked.

    Attributes:
        name: of the data set, e.g. ``"cifar10-c"``.
        protocol: of the corruptions, e.g. ``"cifar-c"``.
        source: ``"generated"`` (from `clean`) or ``"published"`` (from `cell`).
        image_size: height and width in pixels.
        num_classes: width of a model's output.
        labels: (N,) int64.
        ids: (N,) int64 index of each image within the full set.
        full_size: number of images before a subset was taken.
        clean: the clean images of the same ids; never None where the source is generated.
        published: the opened published set, before a subset was taken.
        rows: which of its rows the subset has, None for all.
        notes: what the user should know of how the set was found.
        made: how a folder in the published layout was generated; None for the published files themselves.
        classes: the class folders, where the labels come from folders; None where they are in the files.
        sizes: those of the images, where they keep their own; None where they have that of the protocol.
        own_images: the images are those that the set's name stands for, as far as can be told: an embedded set's own.
    """

    name: str
    protocol: str
    source: SourceKind
    image_size: tuple[int, int]
    num_classes: int
    labels: Labels
    ids: Labels
    full_size: int
    clean: ImageSet | None
    published: PublishedCells | None = None
    rows: NDArray[np.int64] | None = None
    notes: tuple[str, ...] = ()
    made: GeneratedSet | None = None
    classes: Classes | None = None
    own_images: bool = True
    sizes: Sizes | None = None

    @property
    def origin(self) -> SourceKind:
        """What tables call the source: a folder that was generated is not published, though it is read like one."""
        return "generated" if self.made is not None else self.source

    def cell(self, corruption: str, severity: int) -> ImageSet:
        """Return the published images of one cell, of the ids of this source.

        Raises:
            ValueError: the source is generated: its cells are made from `clean`.
        """
        if self.published is None:
            raise ValueError(f"expected a published source, {self.name} is generated from clean images")
        whole = self.published.cell(corruption, severity)
        return whole if self.rows is None else whole.take(self.rows)

    @cached_property
    def digest(self) -> str:
        """SHA-256, in hexadecimal, of the clean images, the labels and the ids; it does not depend on corruptions."""
        parts = [self.published.digest()] if self.published else []
        parts += [self.clean.digest] if self.clean else []
        if len(parts) == 1 and self.published is None:
            return parts[0]
        digest = hashlib.sha256(" ".join(parts).encode())
        digest.update(self.ids.astype("<i8").tobytes())
        return digest.hexdigest()

    def with_classes_noted(self) -> "DataSource":
        """Return the source with a note, before a subset is taken, if classes of the set have no images in it."""
        there = len(np.unique(self.labels))
        if there == self.num_classes:
            return self
        note = f"images of {there:,} of the {self.num_classes:,} classes only: no result of the whole set"
        return replace(self, notes=(*self.notes, note))

    def with_first_label_noted(self) -> "DataSource":
        """Return the source with a note if its labels, of a file, may be counted from 1: all are there but 0."""
        if not self.labels.all() or len(np.unique(self.labels)) < self.num_classes - 1:
            return self
        note = "no image has label 0, and every other label has some: are they counted from 1?"
        return replace(self, notes=(*self.notes, note))

    def corruption_digests(self, names: Iterable[str]) -> dict[str, str] | None:
        """Return a SHA-256, in hexadecimal, of a sample of each corruption's published images.

        None where the source is generated: the clean images and the code versions then say everything.
        """
        if self.published is None:
            return None
        return {name: self.published.corruption_digest(name) for name in names}
