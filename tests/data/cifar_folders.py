"""Small folders in the published layouts."""

import pickle
import struct
from pathlib import Path
from typing import ClassVar

import numpy as np

CLASSES = 10


def images_of(count: int, seed: int = 0) -> np.ndarray:
    """Random images, (count, 32, 32, 3) uint8."""
    return np.random.default_rng(seed).integers(0, 256, (count, 32, 32, 3), dtype=np.uint8)


def labels_of(count: int) -> np.ndarray:
    """Labels 0, 1, … of ten classes in turn, uint8 as the published ones."""
    return (np.arange(count) % CLASSES).astype(np.uint8)


def clean_cifar(root: Path, each: int) -> Path:
    """Write CIFAR-10 in its usual layout, 20 test images and five batches of `each` training images; return `root`."""
    folder = root / "cifar-10-batches-py"
    batch(folder / "test_batch", images_of(20, 9), labels_of(20))
    for number in range(1, 6):
        batch(folder / f"data_batch_{number}", images_of(each, number), labels_of(each))
    return root


def published(
    folder: Path, count: int = 4, names: tuple[str, ...] = ("fog", "snow")
) -> dict[str, np.ndarray]:
    """Write a CIFAR-10-C folder, and return each corruption's images."""
    folder.mkdir(parents=True, exist_ok=True)
    made = {name: images_of(5 * count, seed) for seed, name in enumerate(names, 1)}
    for name, images in made.items():
        np.save(folder / f"{name}.npy", images)
    np.save(folder / "labels.npy", np.tile(labels_of(count), 5))
    return made


class Python2Pickler(pickle._Pickler):
    """Writes byte strings as Python 2 did, which is how the CIFAR authors' files were written."""

    dispatch: ClassVar[dict] = dict(pickle._Pickler.dispatch)

    def save_bytes(self, value: bytes) -> None:
        """Write the BINSTRING opcode; Python 3 only reads it."""
        self.write(b"T" + struct.pack("<i", len(value)) + value)

    dispatch[bytes] = save_bytes


def batch(path: Path, images: np.ndarray, labels: np.ndarray, key: bytes = b"labels") -> None:
    """Write a batch as the CIFAR authors did: a pickled dictionary, images as rows of the three planes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = images.transpose(0, 3, 1, 2).reshape(len(images), -1)
    with path.open("wb") as file:
        entry = {b"data": rows, key: labels.tolist(), b"batch_label": b"made"}
        Python2Pickler(file, protocol=2).dump(entry)
