"""Clean images as a folder a class: ImageNet's validation layout, Tiny-ImageNet's, any ImageFolder.

What counts as an image of a class, and in which order, is as in torchvision's ImageFolder: every file with the ending
of an image, in the class folder or in a folder inside it. Hidden files and folders do not count here.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ppbench.data.class_order import Classes, ClassOrder, case_note, sorted_classes
from ppbench.data.image_files import Geometry, ImageFiles, OwnSize
from ppbench.data.image_set import ImageSet, Labels
from ppbench.data.picture import size_of
from ppbench.errors import InputError

SUFFIXES = (".jpg", ".jpeg", ".png", ".ppm", ".bmp", ".pgm", ".tif", ".tiff", ".webp")
"""The endings of torchvision's ImageFolder, in capitals as well."""

PARTS = {"train", "training", "val", "valid", "validation", "test", "testing"}
"""What the parts of a set are called; a folder of them is no folder of classes."""

_NO_DATA = ("thumbs.db", "desktop.ini")
"""What Windows leaves in folders; what macOS and editors leave is hidden."""

_BOXES = "_boxes.txt"
"""How the file of a class ends that is part of Tiny-ImageNet's own layout."""


@dataclass
class PassedOver:
    """What lies among the images and is not evaluated: how many of each kind, and the first of them.

    Attributes:
        found: a kind in words -> the paths.
    """

    found: dict[str, list[str]] = field(default_factory=dict)

    def add(self, kind: str, path: str) -> None:
        """Count one."""
        self.found.setdefault(kind, []).append(path)

    def notes(self, where: Path) -> tuple[str, ...]:
        """Return it in a line; nothing where nothing was passed over."""
        if not self.found:
            return ()
        parts = [f"{kind}: {len(paths):,} (such as {paths[0]})" for kind, paths in self.found.items()]
        return (f"passed over in {where}: {'; '.join(parts)}",)


@dataclass(frozen=True)
class Listing:
    """The images of some class folders.

    Attributes:
        names: their paths inside the folder that holds the class folders.
        labels: (N,) int64.
        passed: what lies among them and is none.
    """

    names: list[str]
    labels: Labels
    passed: PassedOver


def class_folders(folder: Path) -> list[str]:
    """Return the names of the folders in a folder, sorted; hidden ones are left out.

    Raises:
        InputError: the folder cannot be read.
    """
    try:
        return [entry.name for entry in _entries(folder) if not _is_hidden(entry.name) and _is_folder(entry)]
    except (FileNotFoundError, NotADirectoryError):
        return []


def list_images(folder: Path, classes: Mapping[str, int]) -> Listing:
    """Return the images of these classes by class, then by folder, then by name, as torchvision's ImageFolder does.

    Links are followed, but for one that leads back into a folder that it is in.

    Args:
        folder: holds a folder for each class; one that is not there is an empty class.
        classes: a class folder's name to its label.

    Raises:
        InputError: a folder cannot be read.
    """
    names: list[str] = []
    labels: list[int] = []
    passed = PassedOver()
    for name, label in sorted(classes.items()):
        place = folder / name
        if not place.is_dir():
            continue
        folders = sorted(_walk(place, name, frozenset({os.path.realpath(folder)}), passed))
        images = [f"{inside}/{file}" for inside, files in folders for file in files]
        if not images:
            passed.add("class folders without an image", name)
        names += images
        labels += [label] * len(images)
    return Listing(names, np.array(labels, np.int64), passed)


def image_names(folder: Path) -> list[str]:
    """Return the names of the images in a folder, sorted; hidden ones and those deeper in it are left out."""
    try:
        return [
            entry.name
            for entry in _entries(folder)
            if entry.name.lower().endswith(SUFFIXES) and not _is_hidden(entry.name) and not _is_folder(entry)
        ]
    except (FileNotFoundError, NotADirectoryError):
        return []


def labelled(
    where: Path,
    found: Sequence[str],
    known: Sequence[str] | None,
    num_classes: int | None,
    order: ClassOrder | None = None,
) -> tuple[Classes, dict[str, int]]:
    """Return the classes, and the label of each class folder.

    Args:
        where: the folder, for the message.
        found: the class folders in it.
        known: the classes of the set, label 0 first; folders of a part of them are enough, and their labels are those
            of the full list. Class folders of a larger set are left out. None: the folders are the classes.
        num_classes: how many there must be where they are not known; None for any number.
        order: what a user says of the class folders; its list goes before what is known.

    Raises:
        InputError: none of the folders is a known class, their number is another, or text and number order differ.
    """
    if order is not None and order.names:
        known = order.names
    if known is None:
        if num_classes is not None and len(found) != num_classes:
            raise InputError(f"{where}: expected {num_classes} class folders, got {len(found)}")
        classes = sorted_classes(where, found, order)
        return classes, {name: label for label, name in enumerate(classes.names)}
    present = set(found)
    labels = {wnid: label for label, wnid in enumerate(known) if wnid in present}
    if not labels:
        example = f", got {found[0]!r}" if found else ""
        raise InputError(
            f"{where}: expected class folders named as the classes are, such as {known[0]}{example}"
        )
    return Classes(tuple(known), "known" if order is None else order.by), labels


def notes_of(where: Path, classes: Classes, found: Sequence[str], passed: PassedOver) -> tuple[str, ...]:
    """Return what a user should know of a folder of class folders: what was passed over, and a doubtful order.

    Args:
        where: the folder.
        classes: the classes.
        found: the class folders in it.
        passed: what was passed over in them; what lies beside them is added here.
    """
    known = set(classes.names)
    strangers = [name for name in found if name not in known]
    if classes.by != "file" and known <= set(found):
        strangers = []  # of a larger set: all the classes that are wanted are there
    dropped = None
    if strangers:
        verb = "is" if len(strangers) == 1 else "are"
        dropped = (
            f"{len(strangers):,} of the {len(found):,} folders in {where} {verb} not among the {len(known):,} classes "
            f"and passed over, such as {strangers[0]}"
        )
    if classes.by == "file":
        for name in classes.names:
            if name not in found:
                passed.add("classes of the list without a folder", name)
    for name in image_names(where):
        passed.add("images in no class folder", name)
    for entry in _entries(where):
        if _is_hidden(entry.name) and _is_folder(entry):
            passed.add("hidden folders", entry.name)
    return tuple(filter(None, [dropped, *passed.notes(where), case_note(classes)]))


def enlarged(folder: Path, name: str, geometry: Geometry | OwnSize) -> tuple[str, ...]:
    """Return a note where images are smaller than what is cut out of them, as the first one shows; else nothing."""
    size = size_of(folder / name)
    if isinstance(geometry, OwnSize) or geometry.resize is None or size is None or min(size) >= geometry.size:
        return ()
    note = (
        f"{folder}: small images are enlarged: {name} has {size[0]}x{size[1]} pixels, this set is resized to "
        f"{geometry.resize} and {geometry.size} are cut out: for a network of small images there is "
        "--data folder-c --size own"
    )
    return (note,)


def read_class_folders(
    folder: Path,
    name: str,
    geometry: Geometry | OwnSize,
    known: Sequence[str] | None,
    num_classes: int | None,
    order: ClassOrder | None = None,
) -> ImageSet:
    """Return the images of a folder of class folders, decoded when they are asked for.

    Args:
        folder: holds the class folders.
        name: of the set.
        geometry: what is done to each image.
        known: the classes of the set, label 0 first; None takes the sorted folders as the classes.
        num_classes: of the set; None takes the number of folders.
        order: what a user says of the class folders, see `labelled`.

    Raises:
        InputError: there is no image, the folders are not those of the set, or text and number order differ.
    """
    found = class_folders(folder)
    classes, labels = labelled(folder, found, known, num_classes, order)
    listing = list_images(folder, labels)
    if not listing.names:
        raise InputError(f"{folder}: no images ({', '.join(SUFFIXES)}) in its class folders")
    return ImageSet(
        name,
        ImageFiles(folder, listing.names, geometry),
        listing.labels,
        np.arange(len(listing.names), dtype=np.int64),
        num_classes if num_classes is not None else len(classes.names),
        classes,
        (*notes_of(folder, classes, found, listing.passed), *enlarged(folder, listing.names[0], geometry)),
    )


def _walk(
    place: Path, inside: str, above: frozenset[str], passed: PassedOver
) -> Iterator[tuple[str, list[str]]]:
    """Yield each folder of a class, as its path inside the set, and the sorted names of its images.

    Args:
        place: the folder.
        inside: its path inside the set.
        above: the folders that it is in, without links.
        passed: what is passed over is added to it.
    """
    images, folders = [], []
    for entry in _entries(place):
        path = f"{inside}/{entry.name}"
        if _is_folder(entry):
            folders.append(entry.name)
        elif entry.name.lower().endswith(SUFFIXES):
            if _is_hidden(entry.name):
                passed.add("hidden files", path)
            else:
                images.append(entry.name)
        elif not (
            _is_hidden(entry.name) or entry.name.lower() in _NO_DATA or entry.name == f"{place.name}{_BOXES}"
        ):
            passed.add("files with another ending", path)
    yield inside, images
    if not folders:
        return
    above |= {os.path.realpath(place)}
    for name in folders:
        path = f"{inside}/{name}"
        if _is_hidden(name):
            passed.add("hidden folders", path)
        elif os.path.realpath(place / name) in above:
            passed.add("links to a folder that they are in", path)
        else:
            yield from _walk(place / name, path, above, passed)


def _is_hidden(name: str) -> bool:
    return name.startswith(".") or name == "__MACOSX"


def _is_folder(entry: "os.DirEntry[str]") -> bool:
    """Return whether it is a folder, or a link to one; a link to itself is none."""
    try:
        return entry.is_dir()
    except OSError:
        return False


def _entries(folder: Path) -> list["os.DirEntry[str]"]:
    """Return what is in a folder, sorted by name.

    Raises:
        FileNotFoundError, NotADirectoryError: it is not there, or is none.
        InputError: it cannot be read.
    """
    try:
        with os.scandir(folder) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except (FileNotFoundError, NotADirectoryError):
        raise
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise InputError(f"{folder}: this folder cannot be read: {reason}") from error
