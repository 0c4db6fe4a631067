"""The CIFAR-C layout: `<corruption>.npy`, severity-major uint8 (5·N, H, W, 3), and `labels.npy`, the labels five times.

A corruption's five severities are made one by one, as files of their own in a hidden folder, and joined when all
are there; so a generation that was killed loses at most the cells it was working on.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np

from ppbench import atomic
from ppbench.data.cifar_c import CLEAN, LABELS
from ppbench.data.image_set import Labels, Pixels
from ppbench.data.own_name import own_name
from ppbench.errors import InputError
from ppbench.scoring.names import SEVERITIES

_JOIN_ROWS = 1000  # images copied at a time when severities are joined


@dataclass(frozen=True)
class NpyLayout:
    """A folder in the CIFAR-C layout.

    Attributes:
        out: the folder.
        count: images of a cell.
    """

    out: Path
    count: int

    def check(self, corruptions: Iterable[str]) -> None:
        """Refuse a corruption whose file would be taken for another one of the layout.

        Raises:
            InputError: a plug-in is called like that.
        """
        for corruption in corruptions:
            if self._joined(corruption).name in (LABELS, CLEAN):
                raise InputError(
                    f"expected a corruption that is not called like a file of the layout, got {corruption}: rename it"
                )

    def has(self, corruption: str, severity: int) -> bool:
        """Whether the files of a cell are there, joined or not."""
        return self._joined(corruption).exists() or self._single(corruption, severity).exists()

    def write(self, corruption: str, severity: int, batches: Iterable[Pixels]) -> str:
        """Write one cell, batch by batch, and return the SHA-256 of its pixels."""
        path = self._single(corruption, severity)
        path.parent.mkdir(exist_ok=True)
        digest = hashlib.sha256()
        with atomic.writing(path) as file:
            for number, batch in enumerate(batches):
                if number == 0:
                    _write_header(file, (self.count, *batch.shape[1:]))
                pixels = np.ascontiguousarray(batch).data
                digest.update(pixels)
                file.write(
                    pixels
                )  # not ndarray.tofile: on a full disk that raises an error which does not say so
        return digest.hexdigest()

    def finish(self, corruption: str) -> None:
        """Join a corruption's severities when all five are there; finish a join that was killed before it tidied up."""
        single = [self._single(corruption, severity) for severity in SEVERITIES]
        if not self._joined(corruption).exists():
            if not all(path.exists() for path in single):
                return
            self._join(corruption, single)
        for path in single:
            path.unlink(missing_ok=True)
        folder = single[0].parent
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()

    def write_labels(self, labels: Labels) -> str:
        """Write labels.npy: uint8 (5·N,), the labels once for each severity; return the SHA-256 of one severity's."""
        once = labels.astype(np.uint8)
        tiled = np.tile(once, len(SEVERITIES))
        with atomic.writing(self.out / LABELS) as file:
            _write_header(file, tiled.shape)
            file.write(tiled.data)
        return hashlib.sha256(once.data).hexdigest()

    def _join(self, corruption: str, single: list[Path]) -> None:
        arrays = [np.load(path, mmap_mode="r") for path in single]
        with atomic.writing(self._joined(corruption)) as file:
            _write_header(file, (sum(len(array) for array in arrays), *arrays[0].shape[1:]))
            for array in arrays:
                for start in range(0, len(array), _JOIN_ROWS):
                    file.write(np.ascontiguousarray(array[start : start + _JOIN_ROWS]).data)

    def _joined(self, corruption: str) -> Path:
        return self.out / f"{own_name(corruption)}.npy"

    def _single(self, corruption: str, severity: int) -> Path:
        return self.out / ".cells" / f"{own_name(corruption)}-{severity}.npy"


def _write_header(file: IO[bytes], shape: tuple[int, ...]) -> None:
    header = {"descr": "|u1", "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(file, header)
