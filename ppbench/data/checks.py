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
        raise InputError(
            f"{where}: expected uint8 images, got {images.dtype}: save values 0..255 with .astype('uint8')"
        )
    side = "H,W" if size is None else f"{size},{size}"
    if images.ndim != 4 or images.shape[3] != 3:
        hint = ": move the channels last" if images.ndim == 4 and images.shape[1] == 3 else ""
        raise InputError(f"{where}: expected images of shape (N,{side},3), got {_shape(images)}{hint}")
    if len(images) == 0:
        raise InputError(f"{where}: expected at least one image, got none")
    if size is not None and images.shape[1:3] != (size, size):
        raise InputError(
            f"{where}: expected images of {size}x{size} pixels, got {images.shape[1]}x{images.shape[2]}: "
            "choose the --data whose protocol has that size"
        )
    return images


def checked_labels(where: str | Path, labels: NDArray[Any], count: int, num_classes: int) -> Labels:
    """Return labels as int64: one for each of `count` images, in 0..num_classes-1.

    Raises:
        InputError: anything else.
    """
    if labels.ndim != 1 or not np.issubdtype(labels.dtype, np.integer):
        raise InputError(
            f"{where}: expected labels as a list of integers, got {labels.dtype} of shape {_shape(labels)}"
        )
    if len(labels) != count:
        raise InputError(f"{where}: expected as many labels as images ({count:,}), got {len(labels):,}")
    low, high = int(labels.min()), int(labels.max())
    if low < 0 or high >= num_classes:
        raise InputError(f"{where}: expected labels in 0..{num_classes - 1}, got {low}..{high}")
    exact: Labels = labels.astype(np.int64)
    return exact


def _shape(array: NDArray[Any]) -> str:
    return f"({','.join(map(str, array.shape))})"
