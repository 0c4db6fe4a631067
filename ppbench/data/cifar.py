"""CIFAR-10 and CIFAR-100 in torchvision's layout, the authors' "python version"."""

import pickle
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ppbench.data.checks import checked_labels
from ppbench.data.image_set import ImageSet, Labels
from ppbench.errors import InputError

SIZE = 32


@dataclass(frozen=True)
class Layout:
    """Where the files are, and under which key the labels."""

    folder: str
    test: tuple[str, ...]
    train: tuple[str, ...]
    labels: bytes
    num_classes: int


_LAYOUTS = (
    Layout(
        "cifar-10-batches-py", ("test_batch",), tuple(f"data_batch_{k}" for k in range(1, 6)), b"labels", 10
    ),
    Layout("cifar-100-python", ("test",), ("train",), b"fine_labels", 100),
)
LAYOUTS: Mapping[str, Layout] = {layout.folder: layout for layout in _LAYOUTS}


def find_cifar(layout: Layout, root: Path) -> Path | None:
    """Return the folder of the batches: `root` itself or the one of the usual name in it; None if it is not there."""
    for folder in (root, root / layout.folder):
        if (folder / layout.test[0]).is_file():
            return folder
    return None


def read_cifar(layout: Layout, folder: Path, name: str, part: str = "test") -> ImageSet:
    """Return the test or the training images, (N, 32, 32, 3) uint8, in the files' order.

    Args:
        layout: of CIFAR-10 or CIFAR-100.
        folder: that `find_cifar` returned.
        name: of the set.
        part: ``"test"`` or ``"train"``.

    Raises:
        InputError: a file is missing, damaged, or asks to import anything but NumPy arrays.
    """
    files = layout.test if part == "test" else layout.train
    batches = [_read_batch(folder / file, layout) for file in files]
    labels = np.concatenate([labels for _, labels in batches])
    images = np.concatenate([images for images, _ in batches])
    return ImageSet(name, images, labels, np.arange(len(labels), dtype=np.int64), layout.num_classes)


class _ArraysOnly(pickle.Unpickler):
    """An unpickler that builds bytes, lists, dictionaries, numbers and NumPy arrays, and imports nothing else."""

    def find_class(self, module: str, name: str) -> Any:
        """Return what a pickled NumPy array names; refuse everything else."""
        if (module, name) in {("numpy", "ndarray"), ("numpy", "dtype")}:
            return getattr(np, name)
        # The function has moved twice; every array knows where it is now.
        if name == "_reconstruct" and module in {"numpy.core.multiarray", "numpy._core.multiarray"}:
            return np.empty(0).__reduce__()[0]
        if (module, name) == ("_codecs", "encode"):  # how Python 3 writes bytes for Python 2
            return _encode
        raise pickle.UnpicklingError(f"it asks to import {module}.{name}")


def _encode(text: str, encoding: str) -> bytes:
    if encoding != "latin1":
        raise pickle.UnpicklingError(f"it asks for the encoding {encoding!r}")
    return text.encode("latin1")


def _read_batch(path: Path, layout: Layout) -> tuple[NDArray[np.uint8], Labels]:
    try:
        with path.open("rb") as file:
            # Bytes: the authors pickled with Python 2.
            batch = _ArraysOnly(file, encoding="bytes").load()
    except FileNotFoundError as error:
        raise InputError(
            f"{path}: no such file, which should hold a batch of CIFAR images: unpack the archive again"
        ) from error
    except Exception as error:  # a damaged pickle can raise anything
        reason = " ".join(str(error).split()) or type(error).__name__
        raise InputError(
            f"{path}: damaged batch of CIFAR images ({reason}): unpack the archive again"
        ) from error
    pixels, labels = (
        (batch.get(b"data"), batch.get(layout.labels)) if isinstance(batch, dict) else (None, None)
    )
    width = 3 * SIZE * SIZE
    right = isinstance(pixels, np.ndarray) and pixels.dtype == np.uint8 and pixels.shape[1:] == (width,)
    if not right or not isinstance(labels, list):
        raise InputError(
            f"{path}: expected 'data' of shape (N,{width}) uint8 and {layout.labels.decode()!r}, "
            "got something else: unpack the archive again"
        )
    assert isinstance(pixels, np.ndarray)
    images = np.ascontiguousarray(pixels.reshape(-1, 3, SIZE, SIZE).transpose(0, 2, 3, 1))
    return images, checked_labels(path, np.asarray(labels), len(images), layout.num_classes)
