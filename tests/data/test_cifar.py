"""CIFAR in torchvision's layout, read without trusting its pickles."""

import os
import pickle
from pathlib import Path

import numpy as np
import pytest
from torchvision.datasets import CIFAR10

from ppbench.data.cifar import LAYOUTS, find_cifar, read_cifar
from ppbench.errors import InputError
from tests.data.cifar_folders import batch, images_of, labels_of

TEN, HUNDRED = LAYOUTS["cifar-10-batches-py"], LAYOUTS["cifar-100-python"]


def test_cifar10_test_images_come_back(tmp_path: Path) -> None:
    """Rows of three planes become height, width, channel."""
    images, labels = images_of(7), labels_of(7)
    batch(tmp_path / TEN.folder / "test_batch", images, labels)
    folder = find_cifar(TEN, tmp_path)
    assert folder is not None
    read = read_cifar(TEN, folder, "cifar10-c")
    assert (read.images[:] == images).all()
    assert read.labels.tolist() == labels.tolist()
    assert read.num_classes == 10


def test_the_five_training_batches_are_joined_in_order(tmp_path: Path) -> None:
    """Image k of the training set is image k of the files in their order."""
    parts = [images_of(3, seed) for seed in range(5)]
    for number, part in enumerate(parts, 1):
        batch(tmp_path / f"data_batch_{number}", part, labels_of(3))
    read = read_cifar(TEN, tmp_path, "cifar10-c", "train")
    assert (read.images[:] == np.concatenate(parts)).all()
    assert read.ids.tolist() == list(range(15))


def test_cifar100_has_fine_labels(tmp_path: Path) -> None:
    """The hundred classes, not the twenty superclasses."""
    labels = np.array([99, 0, 50])
    batch(tmp_path / HUNDRED.folder / "test", images_of(3), labels, b"fine_labels")
    read = read_cifar(HUNDRED, tmp_path / HUNDRED.folder, "cifar100-c")
    assert read.labels.tolist() == [99, 0, 50]


def test_the_folder_itself_is_found_too(tmp_path: Path) -> None:
    """A root may be the folder of the batches or the one that holds it."""
    batch(tmp_path / TEN.folder / "test_batch", images_of(1), labels_of(1))
    assert find_cifar(TEN, tmp_path) == find_cifar(TEN, tmp_path / TEN.folder)
    assert find_cifar(HUNDRED, tmp_path) is None


def test_torchvision_reads_the_same(tmp_path: Path) -> None:
    """Our reader and torchvision's agree on a batch, pixel for pixel."""

    class Unchecked(CIFAR10):
        def _check_integrity(self) -> bool:
            return True  # a made batch has not the published MD5

        def _load_meta(self) -> None:
            self.classes = []

    batch(tmp_path / TEN.folder / "test_batch", images_of(5), labels_of(5))
    theirs = Unchecked(str(tmp_path), train=False)
    ours = read_cifar(TEN, tmp_path / TEN.folder, "cifar10-c")
    assert (ours.images[:] == theirs.data).all()
    assert ours.labels.tolist() == theirs.targets


class Bomb:
    """What a hostile file holds."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self.marker),)


@pytest.mark.parametrize("where", ["data", "beside"])
def test_nothing_is_imported_for_a_pickle(tmp_path: Path, where: str) -> None:
    """A file that asks for a function is refused, and the function has not run."""
    marker = tmp_path / "ran"
    bomb = Bomb(marker)
    entry = {b"data": bomb} if where == "data" else {b"data": images_of(1), b"labels": [1], b"more": bomb}
    (tmp_path / "test_batch").write_bytes(pickle.dumps(entry, protocol=2))
    with pytest.raises(InputError, match=r"test_batch: .*asks to import .*mkdir"):
        read_cifar(TEN, tmp_path, "cifar10-c")
    assert not marker.exists()


@pytest.mark.parametrize(
    "content, message",
    [
        (b"", "damaged"),
        (b"not a pickle", "damaged"),
        (pickle.dumps([1, 2]), "something else"),
        (pickle.dumps({b"data": np.zeros((2, 3072)), b"labels": [0, 1]}), "something else"),
        (pickle.dumps({b"data": np.zeros((2, 99), np.uint8), b"labels": [0, 1]}), "something else"),
        (pickle.dumps({b"data": np.zeros((2, 3072), np.uint8)}), "something else"),
        (pickle.dumps({b"data": np.zeros((2, 3072), np.uint8), b"labels": [0, 10]}), r"0\.\.9, got 0\.\.10"),
        (pickle.dumps({b"data": np.zeros((2, 3072), np.uint8), b"labels": [0]}), r"as images \(2\), got 1"),
    ],
)
def test_damage_is_one_line_that_names_the_file(tmp_path: Path, content: bytes, message: str) -> None:
    """A truncated, foreign or inconsistent batch says what was expected."""
    (tmp_path / "test_batch").write_bytes(content)
    with pytest.raises(InputError, match=message) as caught:
        read_cifar(TEN, tmp_path, "cifar10-c")
    assert str(tmp_path / "test_batch") in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_truncated_batch_is_refused(tmp_path: Path) -> None:
    """Half of a real batch is no batch."""
    path = tmp_path / "test_batch"
    batch(path, images_of(5), labels_of(5))
    path.write_bytes(path.read_bytes()[:9000])
    with pytest.raises(InputError, match="damaged"):
        read_cifar(TEN, tmp_path, "cifar10-c")


def test_a_missing_training_batch_is_named(tmp_path: Path) -> None:
    """The line says which of the five is not there."""
    batch(tmp_path / "data_batch_1", images_of(1), labels_of(1))
    with pytest.raises(InputError, match=r"data_batch_2: .*no such file"):
        read_cifar(TEN, tmp_path, "cifar10-c", "train")
