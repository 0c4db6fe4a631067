"""Reading `.npy` and `.npz` files that may be truncated, mislabelled or hostile. Nothing in them is unpickled."""

import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ppbench.data.checks import checked_images, checked_labels
from ppbench.data.image_set import ImageSet
from ppbench.errors import InputError

_DAMAGE = (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile, zlib.error)


def read_npy(path: Path, *, mapped: bool = False) -> NDArray[Any]:
    """Return an array; mapped, its pages are read when they are looked at and never written back.

    Raises:
        InputError: the file is missing, truncated, no `.npy` file, or holds Python objects.
    """
    try:
        # "c", copy on write: torch refuses read-only memory a warning-free view.
        array = np.load(path, mmap_mode="c" if mapped else None, allow_pickle=False)
    except _DAMAGE as error:
        raise InputError(f"{path}: expected a whole .npy array, got {_reason(error)}") from error
    if not isinstance(array, np.ndarray):
        array.close()
        raise InputError(f"{path}: expected one .npy array, got an .npz archive")
    return array


def read_npz(path: Path, name: str, size: int | None, num_classes: int) -> ImageSet:
    """Return the set in an `.npz` with `images` (N,H,W,3) uint8 and `labels` (N).

    Args:
        path: the file.
        name: of the set.
        size: side of the images in pixels; None takes any.
        num_classes: how many classes the labels may name.

    Raises:
        InputError: the file is missing or truncated, an array is missing, or one is not as said.
    """
    arrays = _arrays(path)
    for key in ("images", "labels"):
        if key not in arrays:
            found = ", ".join(sorted(arrays)) or "nothing"
            raise InputError(
                f"{path}: expected the arrays 'images' and 'labels', got {found}: {key!r} is missing"
            )
    images = checked_images(path, arrays["images"], size)
    labels = checked_labels(path, arrays["labels"], images.shape[0], num_classes)
    return ImageSet(name, images, labels, np.arange(len(labels), dtype=np.int64), num_classes)


def _arrays(path: Path) -> dict[str, NDArray[Any]]:
    try:
        archive = np.load(path, allow_pickle=False)
        if isinstance(archive, np.ndarray):
            return {"one .npy array without a name": archive}
        with archive:
            return {key: archive[key] for key in archive.files}
    except _DAMAGE as error:
        raise InputError(f"{path}: expected a whole .npz archive, got {_reason(error)}") from error


def _reason(error: Exception) -> str:
    """Say what is wrong with a file in a few words."""
    if isinstance(error, FileNotFoundError):
        return "no such file"
    if "allow_pickle" in str(error) or "Object arrays" in str(error):
        return "pickled Python objects"
    return f"a damaged or truncated file ({' '.join(str(error).split()) or type(error).__name__})"
