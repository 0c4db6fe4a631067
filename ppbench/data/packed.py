"""Image sets packed into shards, as the Hugging Face Hub has them: WebDataset tars and Parquet files.

Which cell an image is of is said by columns, by a sample's JSON, or by the names of folders and files (`cell_names`).
The cells of a set have the same images: paired by their names where the names are the same in every cell, else by their
order, and the labels must agree either way.
"""

import hashlib
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import lru_cache
from pathlib import Path, PurePath

import numpy as np
from numpy.typing import NDArray

from ppbench.data.cell_names import CLEAN, Said, of_path
from ppbench.data.checks import checked_labels
from ppbench.data.class_folders import SUFFIXES
from ppbench.data.class_names import class_names
from ppbench.data.class_order import Classes
from ppbench.data.image_files import Geometry, decoded, fitted, told_apart
from ppbench.data.image_set import ImageSet, Labels, Pixels, RowIndex
from ppbench.data.label_names import LabelMap, label_map
from ppbench.data.own_name import own_name
from ppbench.data.parquet_files import ParquetShard
from ppbench.data.picture import decode_rgb
from ppbench.data.samples import Shard
from ppbench.data.severities import SEVERITIES
from ppbench.data.tar_shards import TarShard
from ppbench.errors import InputError

Cell = tuple[str, int]

_KINDS = {".tar": TarShard, ".parquet": ParquetShard}
_DEEPEST = 5  # folders from the root to a shard
_MANY = 200  # folders beside each other: a set has 19 x 5 cells, and ImageNet 1,000 classes
_SAMPLES = 100  # images whose bytes a digest looks at
_CLASS_NAMES = "classnames.txt"
"""Of CLIP benchmark's shards: a class a line, label 0 first."""

_CLEAN_CELL: Cell = (CLEAN, 0)
_SPLITS = (("val", "valid", "validation"), ("test", "testing"))
_TRAINING = ("train", "training")


@dataclass(frozen=True, eq=False)
class PackedImages:
    """Images (N, size, size, 3) uint8 in shards.

    Attributes:
        shards: the files.
        of: (N,) which shard each image is in.
        places: (N, 2) where in it.
        names: what the images are called; empty where they have no names.
        geometry: what is done to each.
    """

    shards: Sequence[Shard]
    of: NDArray[np.int32]
    places: NDArray[np.int64]
    names: Sequence[str]
    geometry: Geometry

    @property
    def shape(self) -> tuple[int, ...]:
        """(N, size, size, 3)."""
        return len(self.of), self.geometry.size, self.geometry.size, 3

    @property
    def dtype(self) -> np.dtype[np.uint8]:
        """Always uint8."""
        return np.dtype(np.uint8)

    def content(self, row: int) -> bytes:
        """Return the bytes of an image's file, and what is done to it.

        Raises:
            InputError: they cannot be read.
        """
        return told_apart(self._bytes(row), self.geometry)

    def __getitem__(self, rows: RowIndex, /) -> Pixels:
        """Decode the images of these rows, several at a time.

        Raises:
            InputError: one is damaged, or not of the size it must have; the line names its shard and its name.
        """
        return decoded(np.arange(len(self.of))[rows], self.geometry.shape, self._image)

    def _image(self, row: int) -> Pixels:
        where = self._where(row)
        return fitted(decode_rgb(self._bytes(row), where), self.geometry, where)

    def _bytes(self, row: int) -> bytes:
        first, second = self.places[row].tolist()
        return self.shards[int(self.of[row])].read((first, second))

    def _where(self, row: int) -> str:
        name = self.names[row] if len(self.names) else ""
        return f"{self.shards[self.of[row]].path}: {name or f'image {row} of its cell'}"


@dataclass
class _Gathered:
    """What was found of one cell: an entry for each image."""

    of: list[int] = field(default_factory=list)
    places: list[tuple[int, int]] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    labels: list[int] = field(default_factory=list)
    numbered: bool = False

    def by_key(self) -> list[int]:
        """Return the places of the images in the order of their names."""
        return sorted(range(len(self.keys)), key=lambda place: _natural(PurePath(self.keys[place])))

    def images(
        self, shards: Sequence[Shard], order: Sequence[int], names: Sequence[str], geometry: Geometry
    ) -> PackedImages:
        """Return its images in an order."""
        return PackedImages(
            shards,
            np.array(self.of, np.int32)[list(order)],
            np.array(self.places, np.int64).reshape(-1, 2)[list(order)],
            names,
            geometry,
        )


def shards_in(place: Path) -> list[Shard]:
    """Return the shards in a folder and in the folders in it, in the order of their numbers, or a file that is one."""
    found = [place] if is_shard(place) else _walk(place, _DEEPEST)
    return [
        _KINDS[path.suffix](path) for path in sorted(found, key=lambda path: _natural(_inside(place, path)))
    ]


def is_shard(path: Path) -> bool:
    """Return whether a file is a shard, by its name."""
    return path.is_file() and path.suffix in _KINDS


def _walk(folder: Path, depth: int) -> list[Path]:
    """Return the shards below a folder; not below one of images, or of more folders than a set has cells."""
    shards: list[Path] = []
    folders: list[Path] = []
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.name.startswith("."):
                    continue
                suffix = PurePath(entry.name).suffix
                if suffix in _KINDS:
                    shards.append(folder / entry.name)
                elif suffix.lower() in SUFFIXES or len(folders) > _MANY:
                    return shards  # class folders: walking through ImageNet's takes minutes
                elif entry.is_dir():
                    folders.append(folder / entry.name)
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return []
    if depth > 1:
        for inside in folders:
            shards += _walk(inside, depth - 1)
    return shards


def is_packed(folder: Path) -> bool:
    """Return whether a folder has shards whose names, or whose first image, name a corruption.

    Raises:
        InputError: it has Parquet files, and pyarrow is not installed.
    """
    shards = shards_in(folder)
    if any(_names_corruption(_of_place(folder, shard)) for shard in shards):
        return True
    return any(
        _names_corruption(shard.says().or_else(_of_place(folder, shard))) for shard in _one_a_folder(shards)
    )


def has_clean_shards(folder: Path) -> bool:
    """Return whether a folder has Parquet files of images: a clean set, where none of them names a corruption."""
    return any(
        isinstance(shard, ParquetShard) or _holds_images(shard) for shard in _one_a_folder(shards_in(folder))
    )


def corruptions_in(folder: Path) -> list[str]:
    """Return what the corruptions of a packed set are called in it.

    Raises:
        InputError: a shard is damaged.
    """
    stamp = tuple((str(shard.path), shard.path.stat().st_mtime_ns) for shard in shards_in(folder))
    return list(_corruptions_of(folder, stamp))


@lru_cache(maxsize=4)
def _corruptions_of(folder: Path, stamp: object) -> tuple[str, ...]:  # noqa: ARG001  a folder that changed is read again
    names: set[str] = set()
    for shard in shards_in(folder):
        place = _of_place(folder, shard)
        if place.corruption is not None:
            names.add(place.corruption)
        else:
            names |= {said for sample in shard.samples() if (said := sample.said.corruption)}
    return tuple(sorted(names - {CLEAN}))


class PackedFolder:
    """A -C set in shards whose structure has been checked; its images are decoded when they are asked for."""

    classes: Classes | None = None
    """Its labels are in its files."""

    def __init__(
        self,
        folder: Path,
        name: str,
        size: int,
        known: Sequence[str] | None,
        num_classes: int | None,
        corruptions: Iterable[str],
        severities: Iterable[int],
    ) -> None:
        """Find the images of every cell, check that they are the same ones, and read one of each cell.

        Args:
            folder: for which `is_packed` holds.
            name: of the set.
            size: side of the images in pixels.
            known: the classes of the set, as class folders are called, label 0 first; None where any name is one.
            num_classes: of the set; None takes the classes that the files name.
            corruptions: those that will be asked for; none named: those that are there.
            severities: those that will be asked for; none named: all five.

        Raises:
            InputError: a cell is missing, or has other images or labels than the first; a file is damaged.
        """
        self.folder, self.name = folder, name
        self._geometry = Geometry(size)
        self.image_size = (size, size)
        self._shards = shards_in(folder)
        self.layout = layout_of(self._shards)
        self.corruptions = tuple(corruptions) or tuple(corruptions_in(folder))
        wanted: list[Cell] = [
            (own_name(corruption), severity)
            for corruption in self.corruptions
            for severity in tuple(severities) or SEVERITIES
        ]
        labels = _labels_of(folder, self._shards, name, known, num_classes)
        cells = _gathered(folder, self._shards, labels, {*wanted, _CLEAN_CELL})
        for cell in wanted:
            if cell not in cells:
                raise self._missing(cell, cells)
        first = cells[wanted[0]]
        self.num_classes = num_classes or _classes_of(self._shards) or max(first.labels) + 1
        ordered, paired = _paired(folder, {cell: cells[cell] for cell in wanted})
        self.names = [first.keys[place] for place in ordered[wanted[0]]]
        listed = np.array([first.labels[place] for place in ordered[wanted[0]]], np.int64)
        self.labels: Labels = checked_labels(folder, listed, len(listed), self.num_classes)
        self.ids = np.arange(len(self.labels), dtype=np.int64)
        self._cells = {
            cell: cells[cell].images(
                self._shards, ordered[cell], self.names if paired else (), self._geometry
            )
            for cell in wanted
        }
        self._clean, clean_note = self._clean_of(cells.get(_CLEAN_CELL))
        by_order = (
            None if paired else f"the images in {folder} have no names of their own: paired by their order"
        )
        self.notes = tuple(filter(None, [_note(labels, first), by_order, clean_note]))
        for cell in wanted:
            self._cells[cell][0:1]

    def cell(self, corruption: str, severity: int) -> ImageSet:
        """Return one corruption at one severity.

        Raises:
            KeyError: it was not asked for when the folder was opened.
        """
        images = self._cells[own_name(corruption), severity]
        return ImageSet(self.name, images, self.labels, self.ids, self.num_classes)

    def clean(self, size: int) -> ImageSet | None:  # noqa: ARG002  one signature for all published sets
        """Return the clean images that the set has beside its cells; None where it has none."""
        return self._clean

    def digest(self) -> str:
        """Return a SHA-256 over all names and labels, in hexadecimal: the same whichever corruptions were opened."""
        digest = hashlib.sha256("\n".join(self.names).encode(errors="surrogateescape"))
        digest.update(self.labels.astype("<i8").tobytes())
        return digest.hexdigest()

    def corruption_digest(self, corruption: str) -> str:
        """Return a SHA-256 over the bytes of a corruption's images, evenly spread over all, in hexadecimal."""
        digest = hashlib.sha256(corruption.encode())
        severities = sorted(severity for name, severity in self._cells if name == own_name(corruption))
        for number, row in enumerate(np.linspace(0, len(self.labels) - 1, _SAMPLES).astype(int).tolist()):
            digest.update(
                self._cells[own_name(corruption), severities[number % len(severities)]].content(row)
            )
        return digest.hexdigest()

    def _clean_of(self, found: _Gathered | None) -> tuple[ImageSet | None, str | None]:
        if found is None:
            return None, None
        order = (
            found.by_key()
            if sorted(found.keys) == sorted(self.names) and any(self.names)
            else range(len(found.of))
        )
        labels = [found.labels[place] for place in order]
        if labels != self.labels.tolist():
            return (
                None,
                f"the clean images in {self.folder} have other labels than its cells: they are not used",
            )
        images = found.images(
            self._shards, list(order), [found.keys[place] for place in order], self._geometry
        )
        return ImageSet(self.name, images, self.labels, self.ids, self.num_classes), None

    def _missing(self, cell: Cell, cells: Mapping[Cell, object]) -> InputError:
        corruption, severity = cell
        there = sorted(number for name, number in cells if name == corruption)
        if there:
            return InputError(
                f"{self.folder}: has no images of {corruption} at severity {severity}, only at "
                f"{', '.join(map(str, there))}: fetch them, or leave the severity out"
            )
        near = get_close_matches(corruption, corruptions_in(self.folder), n=1)
        hint = f"there is {near[0]}" if near else "fetch them, or leave the corruption out"
        return InputError(f"{self.folder}: has no images of {corruption}: {hint}")


def read_packed(
    folder: Path, name: str, geometry: Geometry, known: Sequence[str] | None, num_classes: int | None
) -> ImageSet:
    """Return the clean images in the shards of a folder: of the validation or test split, where there are several.

    Args:
        folder: for which `has_clean_shards` holds.
        name: of the set.
        geometry: what is done to each image.
        known: the classes of the set, as class folders are called, label 0 first; None where any name is one.
        num_classes: of the set; None takes the classes that the files name.

    Raises:
        InputError: a shard is damaged, or there are images for training only.
    """
    shards = _of_test(folder, shards_in(folder))
    labels = _labels_of(folder, shards, name, known, num_classes)
    found = _gathered(folder, shards, labels, None).get(_CLEAN_CELL)
    if found is None:
        raise InputError(f"{folder}: no image in its shards has a label")
    count = num_classes or _classes_of(shards) or max(found.labels) + 1
    checked = checked_labels(folder, np.array(found.labels, np.int64), len(found.labels), count)
    images = found.images(shards, range(len(found.of)), found.keys, geometry)
    as_clean = (
        f"read as clean images: no name of a folder, file or column in {folder} is that of a corruption"
    )
    notes = tuple(filter(None, [as_clean, _note(labels, found)]))
    return ImageSet(name, images, checked, np.arange(len(checked), dtype=np.int64), count, None, notes)


def _gathered(
    folder: Path, shards: Sequence[Shard], labels: LabelMap, wanted: set[Cell] | None
) -> dict[Cell, _Gathered]:
    """Return the images of each cell that is wanted; None: of clean shards, whatever they say.

    Raises:
        InputError: a shard is damaged, an image has no label, or nothing says which cell it is of.
    """
    cells: dict[Cell, _Gathered] = {}
    for number, shard in enumerate(shards):
        place = _of_place(folder, shard)
        if wanted is not None and place.whole and _cell(place) not in wanted:
            continue
        for sample in shard.samples():
            where = f"{shard.path}: {sample.key or 'an image'}"
            if wanted is None:
                cell = _CLEAN_CELL
            else:
                said = sample.said.or_else(place)
                if not said.whole:
                    what = "corruption" if said.corruption is None else "severity"
                    raise InputError(
                        f"{where}: nothing says which {what} it has: expected a column of that name, or folders "
                        "<corruption>/<severity>/"
                    )
                cell = _cell(said)
                if cell not in wanted:
                    continue
            if sample.label is None:
                raise InputError(f"{where}: has no label")
            label = labels(sample.label, where)
            if label is None:
                continue
            found = cells.setdefault(cell, _Gathered())
            found.of.append(number)
            found.places.append(sample.place)
            found.keys.append(_short(sample.key))
            found.labels.append(label)
            found.numbered |= isinstance(sample.label, int)
    return cells


def _paired(folder: Path, cells: Mapping[Cell, _Gathered]) -> tuple[dict[Cell, Sequence[int]], bool]:
    """Return each cell's images in one order, and whether their names say it.

    Where the names come in the same order in all cells that is the order: in another one Parquet files would be read
    again and again.

    Raises:
        InputError: the cells have not the same images.
    """
    first, *_ = cells
    keys, wanted = cells[first].keys, len(cells[first].of)
    names = set(keys)
    unique = len(names) == len(keys) and "" not in names
    alike = all(found.keys == keys for found in cells.values())
    by_name = unique and all(
        len(found.keys) == wanted and set(found.keys) == names for found in cells.values()
    )
    ordered: dict[Cell, Sequence[int]] = {}
    for cell, found in cells.items():
        if len(found.of) != wanted:
            raise InputError(
                f"{folder}: expected the same {wanted:,} images in every cell, as {_said(first)} has, got "
                f"{len(found.of):,} of {_said(cell)}: fetch its shards again"
            )
        ordered[cell] = found.by_key() if by_name and not alike else range(wanted)
        for here, there in zip(ordered[cell], ordered[first], strict=True):
            if found.labels[here] != cells[first].labels[there]:
                raise InputError(
                    f"{folder}: image {found.keys[here] or here} of {_said(cell)} has label {found.labels[here]}, "
                    f"that of {_said(first)} has {cells[first].labels[there]}: the cells are not of the same images"
                )
    return ordered, by_name


def _labels_of(
    folder: Path, shards: Sequence[Shard], name: str, known: Sequence[str] | None, num_classes: int | None
) -> LabelMap:
    names = _names_in(folder)
    if names is None:
        names = next((shard.class_names for shard in shards if shard.class_names), None)
    words = class_names(name, len(known) if known else num_classes or 0) if names and known else ()
    return label_map(folder, names, known, words)


def _note(labels: LabelMap, found: _Gathered) -> str | None:
    return labels.note if labels.ours or found.numbered else None


def _names_in(folder: Path) -> tuple[str, ...] | None:
    path = folder / _CLASS_NAMES
    return tuple(path.read_text(encoding="utf-8").splitlines()) if path.is_file() else None


def _classes_of(shards: Sequence[Shard]) -> int | None:
    return next((len(shard.class_names) for shard in shards if shard.class_names), None)


def _of_test(folder: Path, shards: Sequence[Shard]) -> list[Shard]:
    """Return the shards to test on, as folders and names of files call them."""
    words = {
        id(shard): {
            word for part in _inside(folder, shard.path).parts for word in re.split(r"[-_.]", part.lower())
        }
        for shard in shards
    }
    for split in _SPLITS:
        if found := [shard for shard in shards if words[id(shard)] & set(split)]:
            return found
    found = [shard for shard in shards if not words[id(shard)] & set(_TRAINING)]
    if not found:
        raise InputError(
            f"{folder}: expected shards of a validation or test split, got those for training only"
        )
    return found


def layout_of(shards: Sequence[Shard]) -> str:
    """Return what kind of files shards are: ``"parquet"``, ``"webdataset"``, or both with ``and``."""
    kinds = {"parquet" if isinstance(shard, ParquetShard) else "webdataset" for shard in shards}
    return " and ".join(sorted(kinds))


def _of_place(place: Path, shard: Shard) -> Said:
    inside = _inside(place, shard.path)
    return of_path(inside.parts[:-1], inside.stem)


def _inside(place: Path, path: Path) -> Path:
    """Return a shard's path inside what a user names: a folder, or the shard itself."""
    return Path(path.name) if path == place else path.relative_to(place)


def _names_corruption(said: Said) -> bool:
    return said.corruption not in (None, CLEAN)


def _holds_images(shard: Shard) -> bool:
    try:
        return next(shard.samples(), None) is not None
    except InputError:
        return False


def _one_a_folder(shards: Iterable[Shard]) -> list[Shard]:
    first: dict[PurePath, Shard] = {}
    for shard in shards:
        first.setdefault(shard.path.parent, shard)
    return list(first.values())


def _cell(said: Said) -> Cell:
    assert said.corruption is not None
    return _CLEAN_CELL if said.corruption == CLEAN else (said.corruption, said.severity or 0)


def _said(cell: Cell) -> str:
    return f"{cell[0]} {cell[1]}"


def _short(key: str) -> str:
    """Return a name without the folders that say the cell: class and file."""
    return "/".join(PurePath(key).parts[-2:])


def _natural(path: PurePath) -> list[tuple[int, int, str]]:
    """Return what sorts shards by their numbers: `2.tar` before `10.tar`."""
    parts = re.split(r"([0-9]+)", path.as_posix())
    return [(1, int(part), "") if at % 2 else (0, 0, part) for at, part in enumerate(parts)]
