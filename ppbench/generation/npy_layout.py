"""The CIFAR-C layout: `<corruption>.npy`, severity-major uint8 (5·N, H, W, 3), and `labels.npy`, the labels five times.

A corruption's five severities are made one by one, as files of their own in a hidden folder, and joined when all
are there; so a generation that was killed loses at most the cells it was working on.
"""

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import IO

import numpy as np
import numpy.typing as npt

from ppbench import atomic
from ppbench.scoring.names import SEVERITIES

CELLS = ".cells"

Pixels = npt.NDArray[np.uint8]


def cell_path(out: Path, corruption: str, severity: int) -> Path:
    """Return the file of a cell that is not joined yet."""
    return out / CELLS / f"{corruption}-{severity}.npy"


def joined_path(out: Path, corruption: str) -> Path:
    """Return the file of a corruption in the published layout."""
    return out / f"{corruption}.npy"


def write_cell(out: Path, corruption: str, severity: int, batches: Iterable[Pixels], count: int) -> str:
    """Write one cell of `count` images, batch by batch, and return the SHA-256 of its pixels."""
    path = cell_path(out, corruption, severity)
    path.parent.mkdir(exist_ok=True)
    digest = hashlib.sha256()
    with atomic.writing(path) as file:
        for number, batch in enumerate(batches):
            if number == 0:
                _write_header(file, (count, *batch.shape[1:]))
            pixels = np.ascontiguousarray(batch).data
            digest.update(pixels)
            file.write(
                pixels
            )  # not ndarray.tofile: on a full disk that raises an error which does not say so
    return digest.hexdigest()


def join(out: Path, corruption: str) -> None:
    """Join the five severities of a corruption into its published file, and remove the single ones."""
    cells = [cell_path(out, corruption, severity) for severity in SEVERITIES]
    arrays = [np.load(path, mmap_mode="r") for path in cells]
    with atomic.writing(joined_path(out, corruption)) as file:
        _write_header(file, (sum(len(array) for array in arrays), *arrays[0].shape[1:]))
        for array in arrays:
            for start in range(0, len(array), 1000):
                file.write(np.ascontiguousarray(array[start : start + 1000]).data)
    for path in cells:
        path.unlink()


def write_labels(out: Path, labels: npt.NDArray[np.int64]) -> None:
    """Write labels.npy: uint8 (5·N,), the labels once for each severity."""
    tiled = np.tile(labels.astype(np.uint8), len(SEVERITIES))
    with atomic.writing(out / "labels.npy") as file:
        np.lib.format.write_array_header_1_0(file, np.lib.format.header_data_from_array_1_0(tiled))
        file.write(tiled.data)


def _write_header(file: IO[bytes], shape: tuple[int, ...]) -> None:
    header = {"descr": "|u1", "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(file, header)
