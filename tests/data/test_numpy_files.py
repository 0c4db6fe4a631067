"""Arrays from strangers."""

from pathlib import Path

import numpy as np
import pytest

from ppbench.data.numpy_files import read_npy, read_npz
from ppbench.data.sets import open_data
from ppbench.errors import InputError
from tests.data.cifar_folders import images_of, labels_of


def test_an_npz_is_read_whole(tmp_path: Path) -> None:
    """`images` and `labels` of any integer type; other arrays are left alone."""
    path = tmp_path / "set.npz"
    np.savez(path, images=images_of(12), labels=labels_of(12), names=np.array(["a"]))
    read = read_npz(path, "cifar10-c", 32, 10)
    assert (read.images[:] == images_of(12)).all()
    assert read.labels.dtype == np.int64
    assert read.ids.tolist() == list(range(12))


def test_the_real_images_are_read(test_data: Path) -> None:
    """The first 1,000 test images of CIFAR-10: the first is a cat."""
    read = read_npz(test_data / "cifar10" / "test-first1000.npz", "cifar10-c", 32, 10)
    assert len(read) == 1000
    assert read.labels[:5].tolist() == [3, 8, 8, 0, 6]


IMAGES, LABELS = images_of(4), labels_of(4)
REFUSED = {
    "no labels": ({"images": IMAGES}, "got images: 'labels' is missing"),
    "no images": ({"x": IMAGES, "labels": LABELS}, "'images' is missing"),
    "float images": ({"images": IMAGES / 255.0, "labels": LABELS}, "expected uint8 images, got float64"),
    "another size": (
        {"images": np.zeros((4, 28, 28, 3), np.uint8), "labels": LABELS},
        "32x32 pixels, got 28x28",
    ),
    "channels first": ({"images": IMAGES.transpose(0, 3, 1, 2), "labels": LABELS}, "move the channels last"),
    "grey": ({"images": IMAGES[..., 0], "labels": LABELS}, r"\(N,32,32,3\), got \(4,32,32\)"),
    "16 bits": (
        {"images": IMAGES.astype(np.uint16) * 257, "labels": LABELS},
        r"got uint16 from 0 to 65535: if 65535 is white, save \(images / 257\)\.round",
    ),
    "8 bits in 16": (
        {"images": IMAGES.astype(np.uint16), "labels": LABELS},
        r"got uint16 from 0 to 255: save values 0\.\.255 with \.astype\('uint8'\)",
    ),
    "floats from 0 to 1": (
        {"images": (IMAGES / 255).astype(np.float32), "labels": LABELS},
        r"got float32 from 0 to 1: save \(255 \* images\)\.round\(\)\.astype\('uint8'\)",
    ),
    "floats from 0 to 255": (
        {"images": IMAGES.astype(np.float32), "labels": LABELS},
        r"got float32 from 0 to 255: save values 0\.\.255 with \.astype\('uint8'\)",
    ),
    "normalised": (
        {"images": IMAGES / 127.5 - 1, "labels": LABELS},
        "got float64 from -1 to 1: save values 0..255, with no normalisation",
    ),
    "black and white": ({"images": IMAGES > 9, "labels": LABELS}, "got bool from 0 to 1: save values"),
    "one grey channel": (
        {"images": IMAGES[..., :1], "labels": LABELS},
        r"got \(4,32,32,1\): grey needs three equal channels",
    ),
    "no image": ({"images": IMAGES[:0], "labels": LABELS[:0]}, "has no image"),
    "label too high": ({"images": IMAGES, "labels": LABELS + 7}, r"labels in 0\.\.9, got 7\.\.10"),
    "negative label": ({"images": IMAGES, "labels": LABELS.astype(int) - 1}, r"got -1\.\.2"),
    "labels from 1": (
        {"images": images_of(10), "labels": np.arange(1, 11)},
        r"labels in 0\.\.9, got 1\.\.10: subtract 1, labels are counted from 0",
    ),
    "float labels": ({"images": IMAGES, "labels": LABELS / 1.0}, "integers, got float64"),
    "one-hot labels": ({"images": IMAGES, "labels": np.eye(10, dtype=int)[LABELS]}, r"shape \(4,10\)"),
    "fewer labels": ({"images": IMAGES, "labels": LABELS[:3]}, r"as images \(4\), got 3"),
    "objects": ({"images": np.array([{}]), "labels": LABELS}, "pickled Python objects"),
}


def test_a_column_of_labels_is_read_as_a_list(tmp_path: Path) -> None:
    """Keras gives CIFAR's labels as (N, 1): there is one way to read that."""
    path = tmp_path / "set.npz"
    np.savez(path, images=images_of(12), labels=labels_of(12)[:, None])
    read = read_npz(path, "cifar10-c", 32, 10)
    assert read.labels.tolist() == labels_of(12).tolist()
    assert read.labels.shape == (12,)


def test_labels_that_may_be_counted_from_1_are_noted(tmp_path: Path) -> None:
    """1..9 of ten classes, and nothing has 0: within the range, but hardly right. Few images lack many classes."""
    for labels, noted in (
        (np.arange(18) % 9 + 1, True),
        (np.arange(18) % 9, False),
        (np.arange(18) % 8 + 1, False),
    ):
        np.savez(tmp_path / "set.npz", images=images_of(18), labels=labels)
        notes = open_data("cifar10-c", root=tmp_path / "set.npz").notes
        assert (
            notes
            == ("no image has label 0, and every other label has some: are they counted from 1?",) * noted
        )


@pytest.mark.parametrize("case", REFUSED)
def test_an_npz_that_is_not_as_said_is_one_line(case: str, tmp_path: Path) -> None:
    """The line names the file, what was expected and what was found."""
    arrays, message = REFUSED[case]
    path = tmp_path / "set.npz"
    np.savez(path, **arrays)
    with pytest.raises(InputError, match=message) as caught:
        read_npz(path, "cifar10-c", 32, 10)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("keep", [0, 1, 30, 3000, -5])
def test_a_truncated_archive_is_refused(keep: int, tmp_path: Path) -> None:
    """Wherever it was cut."""
    path = tmp_path / "set.npz"
    np.savez(path, images=IMAGES, labels=LABELS)
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(InputError, match="expected a whole"):
        read_npz(path, "cifar10-c", 32, 10)


def test_an_archive_with_a_flipped_byte_is_refused(tmp_path: Path) -> None:
    """The archive's own checksums are looked at."""
    path = tmp_path / "set.npz"
    np.savez_compressed(path, images=IMAGES, labels=LABELS)
    content = bytearray(path.read_bytes())
    content[5000] ^= 255
    path.write_bytes(content)
    with pytest.raises(InputError, match="expected a whole"):
        read_npz(path, "cifar10-c", 32, 10)


def test_one_array_is_no_archive(tmp_path: Path) -> None:
    """A renamed `.npy` is told from an `.npz`, and the other way round."""
    path = tmp_path / "set.npz"
    with path.open("wb") as file:
        np.save(file, IMAGES)
    with pytest.raises(InputError, match="without a name"):
        read_npz(path, "cifar10-c", 32, 10)
    np.savez(path, images=IMAGES)
    with pytest.raises(InputError, match="expected one"):
        read_npy(path)


@pytest.mark.parametrize("mapped", [False, True])
@pytest.mark.parametrize("content", [b"", b"\x93NUMPY", b"<html>not found</html>"])
def test_a_file_that_is_no_array_is_refused(content: bytes, mapped: bool, tmp_path: Path) -> None:
    """Nothing is guessed of a damaged file."""
    path = tmp_path / "fog.npy"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"fog\.npy: expected a whole \.npy array"):
        read_npy(path, mapped=mapped)


def test_a_truncated_array_is_refused_before_it_is_read(tmp_path: Path) -> None:
    """A memory map of a short file fails when it is opened, not in the middle of a run."""
    path = tmp_path / "fog.npy"
    np.save(path, IMAGES)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(InputError, match="damaged or truncated"):
        read_npy(path, mapped=True)


def test_a_mapped_array_is_never_written_back(tmp_path: Path) -> None:
    """Whatever a caller does to the images, the file stays as it was."""
    path = tmp_path / "fog.npy"
    np.save(path, IMAGES)
    before = path.read_bytes()
    array = read_npy(path, mapped=True)
    array[:] = 0
    assert path.read_bytes() == before
