"""The published CIFAR-10-C and CIFAR-100-C folders: one memory-mapped `.npy` a corruption, severity-major.

`<corruption>.npy` is (5·N, 32, 32, 3) uint8, rows (s-1)·N … s·N being severity s in the test set's order;
`labels.npy` holds the N labels five times (Hendrycks & Dietterich 2019, the files of Zenodo 2535967 and 3555552).
N is 10,000 in the published files; a generated folder may have fewer. A `clean.npy` (N, 32, 32, 3) beside them, which
the published folders lack, is read as the clean images.
"""

import hashlib
from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import numpy as np

from ppbench.data.checks import checked_images, checked_labels
from ppbench.data.class_order import Classes
from ppbench.data.image_set import Images, ImageSet, Labels
from ppbench.data.numpy_files import read_npy
from ppbench.data.own_name import own_name
from ppbench.data.severities import SEVERITIES
from ppbench.errors import InputError

LABELS = "labels.npy"
CLEAN = "clean.npy"

_SAMPLES = 250  # images of a file that its digest looks at


class NpyFolder:
    """A published folder whose files have been checked."""

    classes: Classes | None = None
    """Its labels are in a file."""

    notes: tuple[str, ...] = ()

    def __init__(
        self, folder: Path, name: str, size: int, num_classes: int, corruptions: Iterable[str]
    ) -> None:
        """Check the labels and the files of these corruptions (all that are there if none are named).

        Raises:
            InputError: a file is missing, damaged, or of another shape or type than the format's.
        """
        self.folder, self.name, self.num_classes = folder, name, num_classes
        self.labels = _labels(folder, num_classes)
        self.ids = np.arange(len(self.labels), dtype=np.int64)
        self.corruptions = tuple(corruptions) or tuple(sorted(arrays_there(folder)))
        self._size = size
        self.image_size = (size, size)
        self._files = {corruption: self._open(corruption, size) for corruption in self.corruptions}

    def __getstate__(self) -> dict[str, Any]:
        """Return all but the pixels: another process, which may be on another machine, maps its own files."""
        return {**vars(self), "_files": {}, "folder": self.folder.resolve()}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Map the files again.

        Raises:
            InputError: they are not there, or are not as they were.
        """
        vars(self).update(state)
        self._files = {corruption: self._open(corruption, self._size) for corruption in self.corruptions}

    def cell(self, corruption: str, severity: int) -> ImageSet:
        """Return one corruption at one severity; its pages are read when they are looked at."""
        if corruption not in self._files:
            raise KeyError(f"{corruption} was not asked for when {self.folder} was opened")
        if not 1 <= severity <= len(SEVERITIES):
            raise ValueError(f"expected a severity from 1 to {len(SEVERITIES)}, got {severity}")
        n = len(self.labels)
        block = self._files[corruption][slice((severity - 1) * n, severity * n)]
        return ImageSet(self.name, block, self.labels, self.ids, self.num_classes)

    def clean(self, size: int) -> ImageSet | None:
        """Return the images of `clean.npy`, None where there is none."""
        path = self.folder / CLEAN
        if not path.is_file():
            return None
        images = checked_images(path, read_npy(path, mapped=True), size)
        if images.shape[0] != len(self.labels):
            raise InputError(
                f"{path}: expected {len(self.labels):,} images as in {LABELS}, got {images.shape[0]:,}"
            )
        return ImageSet(self.name, images, self.labels, self.ids, self.num_classes)

    def digest(self) -> str:
        """Return a SHA-256 over the labels, in hexadecimal: the same whichever corruptions were opened."""
        return hashlib.sha256(self.labels.astype("<i8").tobytes()).hexdigest()

    def corruption_digest(self, corruption: str) -> str:
        """Return a SHA-256 over evenly spread images of a corruption's file, in hexadecimal.

        Reading all of the 2.3 GB would take longer than some evaluations; `cell(…).digest` covers every pixel.
        """
        images = self._files[corruption]
        rows = np.linspace(0, images.shape[0] - 1, min(_SAMPLES, images.shape[0])).astype(np.int64)
        digest = hashlib.sha256(f"{corruption} {tuple(images.shape)}".encode())
        digest.update(np.ascontiguousarray(images[rows]).data)
        return digest.hexdigest()

    def _open(self, corruption: str, size: int) -> Images:
        path = self.folder / f"{own_name(corruption)}.npy"
        if not path.is_file():
            near = get_close_matches(path.stem, arrays_there(self.folder), n=1)
            hint = f"there is {near[0]}.npy" if near else "fetch it, or leave the corruption out"
            raise InputError(f"{self.folder}: has no {path.name}: {hint}")
        images = checked_images(path, read_npy(path, mapped=True), size)
        wanted = len(SEVERITIES) * len(self.labels)
        if images.shape[0] != wanted:
            raise InputError(
                f"{path}: expected {wanted:,} images ({len(SEVERITIES)} severities of {len(self.labels):,}), "
                f"got {images.shape[0]:,}"
            )
        return images


def is_npy_folder(folder: Path) -> bool:
    """Return whether a folder has what a published one has: labels, or arrays called like corruptions."""
    return folder.is_dir() and ((folder / LABELS).is_file() or bool(arrays_there(folder)))


def arrays_there(folder: Path) -> list[str]:
    """Return what the corruptions of a folder are called: the names of its arrays but the labels and clean images."""
    known = {path.stem for path in folder.glob("*.npy")}
    return sorted(known - {Path(LABELS).stem, Path(CLEAN).stem})


def _labels(folder: Path, num_classes: int) -> Labels:
    path = folder / LABELS
    labels = read_npy(path)
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.ndim != 1 or len(labels) == 0 or len(labels) % len(SEVERITIES):
        raise InputError(
            f"{path}: expected the labels {len(SEVERITIES)} times over, got shape {labels.shape}: fetch the file again"
        )
    labels = checked_labels(path, labels, len(labels), num_classes)
    blocks = labels.reshape(len(SEVERITIES), -1)
    if not (blocks == blocks[0]).all():
        raise InputError(f"{path}: the labels differ from severity to severity: fetch the file again")
    return np.array(blocks[0])
