"""The published CIFAR-C folders."""

from pathlib import Path

import numpy as np
import pytest

from ppbench.data.cifar_c import NpyFolder, is_npy_folder
from ppbench.errors import InputError
from tests.data.cifar_folders import images_of, labels_of, published


def _open(folder: Path, *names: str) -> NpyFolder:
    return NpyFolder(folder, "cifar10-c", 32, 10, names)


def test_rows_are_severity_major(tmp_path: Path) -> None:
    """Severity s is the s-th block of the file, in the test set's order."""
    made = published(tmp_path, count=3)
    folder = _open(tmp_path, "snow")
    for severity in range(1, 6):
        cell = folder.cell("snow", severity)
        assert (cell.images[:] == made["snow"][3 * (severity - 1) : 3 * severity]).all()
        assert cell.labels.tolist() == [0, 1, 2]
        assert cell.ids.tolist() == [0, 1, 2]


def test_cells_are_memory_mapped(tmp_path: Path) -> None:
    """A cell is a view of the file: nothing is read until rows are asked for."""
    published(tmp_path)
    assert isinstance(_open(tmp_path).cell("fog", 5).images, np.memmap)


def test_without_names_all_that_are_there_are_opened(tmp_path: Path) -> None:
    """`labels.npy` and `clean.npy` are no corruptions."""
    published(tmp_path, count=2)
    np.save(tmp_path / "clean.npy", images_of(2))
    folder = _open(tmp_path)
    assert folder.corruptions == ("fog", "snow")
    clean = folder.clean(32)
    assert clean is not None
    assert (clean.images[:] == images_of(2)).all()


def test_the_digest_is_that_of_the_labels(tmp_path: Path) -> None:
    """Neither the folder's place nor which corruptions are opened changes it; a label does."""
    published(tmp_path / "a")
    published(tmp_path / "b")
    same = _open(tmp_path / "a").digest()
    assert _open(tmp_path / "b").digest() == same
    assert _open(tmp_path / "a", "fog").digest() == same
    labels = np.load(tmp_path / "b" / "labels.npy").reshape(5, -1)
    labels[:, 0] = (labels[:, 0] + 1) % 10
    np.save(tmp_path / "b" / "labels.npy", labels.reshape(-1))
    assert _open(tmp_path / "b").digest() != same


def test_the_digest_of_a_corruption_is_that_of_its_file(tmp_path: Path) -> None:
    """One changed pixel in a small file changes the digest of its corruption and no other."""
    published(tmp_path / "a")
    published(tmp_path / "b")
    images = np.load(tmp_path / "b" / "snow.npy")
    images[7, 3, 3, 0] ^= 1
    np.save(tmp_path / "b" / "snow.npy", images)
    before, after = _open(tmp_path / "a"), _open(tmp_path / "b")
    assert after.corruption_digest("snow") != before.corruption_digest("snow")
    assert after.corruption_digest("fog") == before.corruption_digest("fog")
    assert _open(tmp_path / "a", "fog").corruption_digest("fog") == before.corruption_digest("fog")
    assert before.corruption_digest("fog") != before.corruption_digest("snow")


WRONG = {
    "float images": ("fog", images_of(20) / 255.0, r"fog\.npy: expected uint8 images, got float64"),
    "another size": ("fog", np.zeros((20, 64, 64, 3), np.uint8), r"fog\.npy: expected images of 32x32"),
    "four severities": ("fog", images_of(16), r"fog\.npy: expected 20 images \(5 severities of 4\), got 16"),
    "labels once": ("labels", labels_of(4), r"labels\.npy: expected the labels 5 times over"),
    "labels per severity": (
        "labels",
        labels_of(20),
        r"labels\.npy: the labels differ from severity to severity",
    ),
    "label too high": ("labels", np.tile(labels_of(4) + 9, 5), r"labels\.npy: expected labels in 0\.\.9"),
    "float labels": ("labels", np.zeros(20), r"labels\.npy: expected labels as a list of integers"),
    "clean of another count": ("clean", images_of(3), r"clean\.npy: expected 4 images"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_file_that_is_not_as_published_is_one_line(case: str, tmp_path: Path) -> None:
    """The line names the file, before anything is evaluated."""
    name, array, message = WRONG[case]
    published(tmp_path, count=4)
    np.save(tmp_path / f"{name}.npy", array)
    with pytest.raises(InputError, match=message) as caught:
        _open(tmp_path).clean(32)
    assert "\n" not in str(caught.value)


def test_a_column_of_labels_is_read_as_a_list(tmp_path: Path) -> None:
    """(5·N, 1) can mean one thing only."""
    published(tmp_path, 4)
    np.save(tmp_path / "labels.npy", np.tile(labels_of(4), 5)[:, None])
    assert NpyFolder(tmp_path, "cifar10-c", 32, 10, ["fog"]).labels.tolist() == [0, 1, 2, 3]


def test_a_missing_corruption_is_named(tmp_path: Path) -> None:
    """With the near miss that is there instead."""
    published(tmp_path, names=("snow", "frosted"))
    with pytest.raises(InputError, match=r"has no pixelate\.npy: fetch it, or leave"):
        _open(tmp_path, "snow", "pixelate")
    with pytest.raises(InputError, match=r"has no frost\.npy: there is frosted\.npy"):
        _open(tmp_path, "frost")


def test_missing_labels_are_named(tmp_path: Path) -> None:
    """Images without labels are found, and the missing file is asked for."""
    published(tmp_path)
    (tmp_path / "labels.npy").unlink()
    assert is_npy_folder(tmp_path)
    with pytest.raises(InputError, match=r"labels\.npy: expected a whole \.npy array, got no such file"):
        _open(tmp_path)


def test_a_published_folder_is_known_by_its_content(tmp_path: Path) -> None:
    """Labels or corruptions make one; other files do not."""
    assert not is_npy_folder(tmp_path)
    (tmp_path / "notes.txt").write_text("")
    assert not is_npy_folder(tmp_path)
    published(tmp_path)
    assert is_npy_folder(tmp_path)
