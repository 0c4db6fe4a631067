"""ImageNet-C and Tiny-ImageNet-C trees: `<corruption>/<severity>/<wnid>/<name>.JPEG`.

The published archives unpack to that, or, into one folder each, to `<group>/<corruption>/…`; both are read.
The stored images have the protocol's size already and are never resized: resizing ImageNet-C's again is known to
have changed published rankings (RobustBench, issue 59).
"""

import hashlib
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from pathlib import Path

import numpy as np

from ppbench.data.class_folders import PARTS, class_folders, labelled, list_images, notes_of
from ppbench.data.class_order import ClassOrder
from ppbench.data.image_files import Geometry, ImageFiles, OwnSize, read_image
from ppbench.data.image_set import ImageSet
from ppbench.data.own_name import own_name
from ppbench.data.picture import open_rgb
from ppbench.data.severities import SEVERITY_NAMES
from ppbench.errors import InputError

_SAMPLES = 100  # files whose bytes the digest looks at


class TreeFolder:
    """A published tree whose structure has been checked; its images are decoded when they are asked for."""

    def __init__(
        self,
        folder: Path,
        name: str,
        size: int | None,
        known: Sequence[str] | None,
        num_classes: int | None,
        corruptions: Iterable[str],
        severities: Iterable[int],
        order: ClassOrder | None = None,
    ) -> None:
        """Check that the cells are there, have the same classes, and have images of the right size.

        Args:
            folder: that `is_tree` returned.
            name: of the set.
            size: side of the images in pixels; None: they keep their own, which is the first one's.
            known: the wnids of the set, label 0 first; None takes the sorted class folders.
            num_classes: of the set; None takes the number of class folders.
            corruptions: those that will be asked for; none named: those that are there.
            severities: those that will be asked for; none named: all five.
            order: what a user says of the class folders.

        Raises:
            InputError: a cell is missing, has other classes, or no images, or images of another size.
        """
        self.folder, self.name = folder, name
        self._places = places(folder)
        self.corruptions = tuple(corruptions) or tuple(sorted(self._places))
        wanted = tuple(str(severity) for severity in severities) or SEVERITY_NAMES
        first = self._place(self.corruptions[0]) / wanted[0]
        found = class_folders(first)
        self.classes, self._labels = labelled(first, found, known, num_classes, order)
        self.num_classes = num_classes if num_classes is not None else len(self.classes.names)
        listing = list_images(first, self._labels)
        self._names, self.labels = listing.names, listing.labels
        if not self._names:
            raise InputError(f"{first}: no images in its class folders")
        self._geometry = Geometry(size) if size is not None else OwnSize(_shape(first / self._names[0]))
        self.notes = notes_of(first, self.classes, found, listing.passed)
        self.ids = np.arange(len(self._names), dtype=np.int64)
        for corruption in self.corruptions:
            for severity in wanted:
                self._check(self._place(corruption) / severity)

    @property
    def image_size(self) -> tuple[int, int]:
        """Height and width in pixels."""
        return self._geometry.shape

    @property
    def names(self) -> Sequence[str]:
        """The files' paths inside each cell, in the order of the labels."""
        return self._names

    def cell(self, corruption: str, severity: int) -> ImageSet:
        """Return one corruption at one severity.

        Raises:
            InputError: its files are not the same as those of the first cell.
        """
        where = self._place(corruption) / str(severity)
        names = list_images(where, self._labels).names
        if names != self._names:
            odd = sorted(set(names) ^ set(self._names))
            raise InputError(
                f"{where}: expected the same {len(self._names):,} images in every cell, got {len(names):,}: "
                f"{odd[0]} is not in both"
            )
        images = ImageFiles(where, self._names, self._geometry)
        return ImageSet(self.name, images, self.labels, self.ids, self.num_classes, self.classes)

    def clean(self, size: int) -> ImageSet | None:  # noqa: ARG002  one signature for all published sets
        """Return None: a tree holds no clean images."""
        return None

    def digest(self) -> str:
        """Return a SHA-256 over all names and labels, in hexadecimal: the same whichever corruptions were opened."""
        digest = hashlib.sha256("\n".join(self._names).encode(errors="surrogateescape"))
        digest.update(self.labels.astype("<i8").tobytes())
        return digest.hexdigest()

    def corruption_digest(self, corruption: str) -> str:
        """Return a SHA-256 over the bytes of a corruption's files, evenly spread over all, in hexadecimal."""
        digest = hashlib.sha256(corruption.encode())
        picks = [self._names[k] for k in np.linspace(0, len(self._names) - 1, _SAMPLES).astype(int)]
        for number, name in enumerate(picks):
            path = self._place(corruption) / SEVERITY_NAMES[number % len(SEVERITY_NAMES)] / name
            if path.is_file():
                digest.update(path.read_bytes())
        return digest.hexdigest()

    def _place(self, corruption: str) -> Path:
        name = own_name(corruption)
        if name not in self._places:
            near = get_close_matches(name, self._places, n=1)
            hint = f"there is {near[0]}" if near else "fetch it, or leave the corruption out"
            raise InputError(f"{self.folder}: has no folder {name}: {hint}")
        return self._places[name]

    def _check(self, where: Path) -> None:
        """Look at a cell's class folders and at one of its images: a full listing of 75 cells would take minutes."""
        if not where.is_dir():
            raise InputError(
                f"{where}: the folder of this severity is missing: fetch it, or leave the severity out"
            )
        present = set(class_folders(where))
        if missing := [wnid for wnid in self._labels if wnid not in present]:
            raise InputError(f"{where}: the class folder {missing[0]} is missing, which other cells have")
        read_image(where / self._names[0], self._geometry)


def _shape(path: Path) -> tuple[int, int]:
    """Return an image's height and width, in pixels."""
    image = open_rgb(path)
    return image.height, image.width


def is_tree(folder: Path) -> bool:
    """Return whether a folder has corruptions with severities in it, or groups of them."""
    return bool(places(folder))


def holds_only_cells(folder: Path) -> bool:
    """Return whether every folder in a folder is a corruption's, or a group's: none of them can be a class's."""
    names, found = class_folders(folder), places(folder)

    def is_cells(place: Path) -> bool:
        inside = class_folders(place)
        return bool(inside) and (set(inside) <= set(SEVERITY_NAMES) or all(name in found for name in inside))

    return bool(names) and all(is_cells(folder / name) for name in names)


def places(folder: Path) -> dict[str, Path]:
    """Return where each corruption is: in the folder, or in a group's folder in it."""
    flat = {name: folder / name for name in class_folders(folder)}
    grouped = {name: place / name for place in flat.values() for name in class_folders(place)}
    return {name: place for name, place in {**grouped, **flat}.items() if _has_severities(place)}


def _has_severities(folder: Path) -> bool:
    """Return whether a folder may be a corruption's; one of numbered classes has other numbers, too, or is a part."""
    if folder.name.lower() in PARTS:
        return False
    numbers = {name for name in class_folders(folder) if name.isdecimal()}
    return bool(numbers) and numbers <= set(SEVERITY_NAMES)
