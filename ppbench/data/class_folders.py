"""Clean images as a folder a class: ImageNet's validation layout, Tiny-ImageNet's, any ImageFolder."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from ppbench.data.image_files import Geometry, ImageFiles
from ppbench.data.image_set import ImageSet, Labels
from ppbench.errors import InputError

SUFFIXES = (".jpeg", ".jpg", ".png", ".bmp", ".webp", ".tif", ".tiff")


def class_folders(folder: Path) -> list[str]:
    """Return the names of the folders in a folder, sorted; hidden ones are left out."""
    try:
        with os.scandir(folder) as entries:
            return sorted(
                entry.name for entry in entries if not entry.name.startswith(".") and entry.is_dir()
            )
    except (FileNotFoundError, NotADirectoryError):
        return []


def list_images(folder: Path, classes: Mapping[str, int]) -> tuple[list[str], Labels]:
    """Return the images of these classes: their paths inside `folder`, by class and then by name, and their labels.

    Args:
        folder: holds a folder for each class; one that is not there is an empty class.
        classes: a class folder's name to its label.
    """
    names: list[str] = []
    labels: list[int] = []
    for wnid, label in sorted(classes.items()):
        # Tiny-ImageNet's own layout has a folder `images` between the class and its files.
        inner = f"{wnid}/images" if (folder / wnid / "images").is_dir() else wnid
        files = _image_names(folder / inner)
        names += [f"{inner}/{file}" for file in files]
        labels += [label] * len(files)
    return names, np.array(labels, np.int64)


def labelled(
    where: Path, found: Sequence[str], known: Sequence[str] | None, num_classes: int | None
) -> dict[str, int]:
    """Return the label of each class folder.

    Args:
        where: the folder, for the message.
        found: the class folders in it.
        known: the classes of the set, label 0 first; folders of a part of them are enough, and their labels are those
            of the full list. Class folders of a larger set are left out. None: the sorted folders are the classes.
        num_classes: how many there must be where they are not known; None for any number.

    Raises:
        InputError: none of the folders is a known class, or their number is another.
    """
    if known is None:
        if num_classes is not None and len(found) != num_classes:
            raise InputError(f"{where}: expected {num_classes} class folders, got {len(found)}")
        return {name: label for label, name in enumerate(found)}
    present = set(found)
    labels = {wnid: label for label, wnid in enumerate(known) if wnid in present}
    if not labels:
        example = f", got {found[0]!r}" if found else ""
        raise InputError(
            f"{where}: expected class folders named as the classes are, such as {known[0]}{example}"
        )
    return labels


def read_class_folders(
    folder: Path,
    name: str,
    geometry: Geometry,
    known: Sequence[str] | None,
    num_classes: int | None,
) -> ImageSet:
    """Return the images of a folder of class folders, decoded when they are asked for.

    Args:
        folder: holds the class folders.
        name: of the set.
        geometry: what is done to each image.
        known: the classes of the set, label 0 first; None takes the sorted folders as the classes.
        num_classes: of the set; None takes the number of folders.

    Raises:
        InputError: there is no image, or the folders are not those of the set.
    """
    classes = labelled(folder, class_folders(folder), known, num_classes)
    names, labels = list_images(folder, classes)
    if not names:
        raise InputError(f"{folder}: expected images ({', '.join(SUFFIXES)}) in the class folders, got none")
    count = num_classes if num_classes is not None else len(classes)
    return ImageSet(
        name, ImageFiles(folder, names, geometry), labels, np.arange(len(names), dtype=np.int64), count
    )


def _image_names(folder: Path) -> list[str]:
    try:
        with os.scandir(folder) as entries:
            return sorted(entry.name for entry in entries if entry.name.lower().endswith(SUFFIXES))
    except (FileNotFoundError, NotADirectoryError):
        return []
