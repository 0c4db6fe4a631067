"""What every reader checks before an image is used; a mistake is one line that names the file."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ppbench.data.image_set import Labels, Pixels
from ppbench.errors import InputError


def checked_images(where: str | Path, images: NDArray[Any], size: int | None) -> Pixels:
    """Return images that are uint8 (N, size, size, 3) with N > 0.

    Args:
        where: the file, for the message.
        images: what was read.
        size: side that the protocol wants, in pixels; None takes any.

    Raises:
        InputError: anything else.
    """
    if images.dtype != np.uint8:
        raise InputError(f"{where}: expected uint8 images, got {images.dtype}{_to_uint8(images)}")
    side = "H,W" if size is None else f"{size},{size}"
    if images.ndim != 4 or images.shape[3] != 3:
        hint = ""
        if images.ndim == 4 and images.shape[1] == 3:
            hint = ": move the channels last, with images.transpose(0, 2, 3, 1)"
        elif images.ndim == 3 or (images.ndim == 4 and 1 in (images.shape[1], images.shape[3])):
            hint = ": grey needs three equal channels, by numpy.repeat(…, 3, axis=3)"
        raise InputError(f"{where}: expected images of shape (N,{side},3), got {_shape(images)}{hint}")
    if len(images) == 0:
        raise InputError(f"{where}: has no image")
    if size is not None and images.shape[1:3] != (size, size):
        raise InputError(
            f"{where}: expected images of {size}x{size} pixels, got {images.shape[1]}x{images.shape[2]}: "
            "choose the --data whose protocol has that size"
        )
    return images


def checked_labels(where: str | Path, labels: NDArray[Any], count: int, num_classes: int) -> Labels:
    """Return labels as int64: one for each of `count` images, in 0..num_classes-1; (N, 1) is read as (N).

    Raises:
        InputError: anything else.
    """
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.ndim != 1 or not np.issubdtype(labels.dtype, np.integer):
        one_hot = labels.ndim == 2 and labels.shape[1] == num_classes
        hint = ": turn a column a class into numbers with labels.argmax(1)" if one_hot else ""
        if labels.ndim == 1 and np.issubdtype(labels.dtype, np.floating):
            hint = ": save them with .astype('int64')"
        raise InputError(
            f"{where}: expected labels as a list of integers, got {labels.dtype} of shape {_shape(labels)}{hint}"
        )
    if len(labels) != count:
        raise InputError(f"{where}: expected as many labels as images ({count:,}), got {len(labels):,}")
    low, high = int(labels.min()), int(labels.max())
    if low < 0 or high >= num_classes:
        hint = ": subtract 1, labels are counted from 0" if (low, high) == (1, num_classes) else ""
        raise InputError(f"{where}: expected labels in 0..{num_classes - 1}, got {low}..{high}{hint}")
    exact: Labels = labels.astype(np.int64)
    return exact


def _to_uint8(images: NDArray[Any]) -> str:
    """Say how to bring images to 8 bits; of an array of another type than numbers, nothing."""
    if images.size == 0 or images.dtype.kind not in "biuf":
        return ""
    low, high = float(images.min()), float(images.max())
    told = f" from {low:g} to {high:g}"
    if images.dtype == bool or low < 0:
        return f"{told}: save values 0..255, with no normalisation, as uint8"
    if images.dtype.kind == "f" and high <= 1:
        return f"{told}: save (255 * images).round().astype('uint8')"
    if images.dtype == np.uint16 and high > 255:
        return f"{told}: if 65535 is white, save (images / 257).round().astype('uint8')"
    return f"{told}: save values 0..255 with .astype('uint8')"


def _shape(array: NDArray[Any]) -> str:
    return f"({','.join(map(str, array.shape))})"
