"""Finding training images, and the test images that go with them."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ppbench.data.classes import class_list
from ppbench.data.image_files import ImageFiles
from ppbench.data.training_sets import open_training
from ppbench.errors import InputError
from tests.data.cifar_folders import clean_cifar, images_of, labels_of

CIFAR = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")


def _class_folders(folder: Path, names: tuple[str, ...] = CIFAR, count: int = 2, size: int = 32) -> Path:
    for label, name in enumerate(names):
        (folder / name).mkdir(parents=True)
        for k in range(count):
            Image.new("RGB", (size, size), (20 * label, 10 * k, 0)).save(folder / name / f"{k}.png")
    return folder


def _npz(path: Path, count: int = 20) -> Path:
    np.savez(path, images=images_of(count), labels=labels_of(count).astype(np.int64))
    return path


def test_class_folders_are_labelled_in_their_order(tmp_path: Path) -> None:
    """CIFAR-10's classes are in the order of the alphabet; the folder may be named or hold `train`."""
    _class_folders(tmp_path / "train")
    test = _npz(tmp_path / "test.npz")
    for root in (tmp_path, tmp_path / "train"):
        training, tests = open_training("cifar10-c", root=root, test=test)
        assert training.labels.tolist() == [label for label in range(10) for _ in range(2)]
        assert training.images[:][::2, 0, 0, 0].tolist() == [20 * label for label in range(10)]
        assert len(tests) == 20


@pytest.mark.parametrize("part", ["val", "test"])
def test_test_images_lie_beside_the_training_images(part: str, tmp_path: Path) -> None:
    """In `val` or in `test`; without them, and without --test, nothing is trained."""
    _class_folders(tmp_path / "train")
    with pytest.raises(InputError, match="no test images in val/ or test/: name them with --test"):
        open_training("cifar10-c", root=tmp_path)
    _class_folders(tmp_path / part, count=1)
    training, tests = open_training("cifar10-c", root=tmp_path)
    assert (len(training), len(tests)) == (20, 10)


def test_the_usual_layout_brings_its_own_test_images(tmp_path: Path) -> None:
    """CIFAR's pickled batches; --test counts before them."""
    clean_cifar(tmp_path, 16)
    assert [len(part) for part in open_training("cifar10-c", root=tmp_path)] == [80, 20]
    other = _npz(tmp_path / "other.npz", 30)
    assert [len(part) for part in open_training("cifar10-c", root=tmp_path, test=other)] == [80, 30]


def test_a_missing_class_is_one_line(tmp_path: Path) -> None:
    """A network cannot learn what it is never shown."""
    _class_folders(tmp_path / "train", CIFAR[:9])
    with pytest.raises(
        InputError, match=r"train: each of the 10 classes needs a folder, and there is none for truck"
    ):
        open_training("cifar10-c", root=tmp_path, test=_npz(tmp_path / "test.npz"))


def test_an_empty_class_is_one_line(tmp_path: Path) -> None:
    """A folder without images is as good as none."""
    _class_folders(tmp_path / "train")
    for path in (tmp_path / "train" / "bird").iterdir():
        path.unlink()
    with pytest.raises(InputError, match=r"train/bird: no training images in it"):
        open_training("cifar10-c", root=tmp_path, test=_npz(tmp_path / "test.npz"))


def test_an_empty_class_of_the_test_images_is_one_line(tmp_path: Path) -> None:
    """The error of fewer classes would stand for that of all."""
    for part in ("train", "val"):
        _class_folders(tmp_path / part, ("cat", "dog"), size=260)
    for path in (tmp_path / "val" / "dog").iterdir():
        path.unlink()
    with pytest.raises(InputError, match=r"val/dog: no test images in it"):
        open_training("folder-c", root=tmp_path)


def test_classes_of_imagenet_are_known_by_name(tmp_path: Path) -> None:
    """All wnids of the set must be there; folders of others are left out."""
    wnids = tuple(class_list("imagenet100"))
    _class_folders(tmp_path / "train", (*wnids[:99], "n00000000"), count=1, size=60)
    _class_folders(tmp_path / "val", wnids, count=1, size=60)
    with pytest.raises(
        InputError, match=f"each of the 100 classes needs a folder, and there is none for {wnids[99]}"
    ):
        open_training("imagenet100-c", root=tmp_path)
    _class_folders(tmp_path / "train", wnids[99:], count=1, size=60)
    training, tests = open_training("imagenet100-c", root=tmp_path)
    assert (len(training), len(tests), training.num_classes) == (100, 100, 100)
    assert training.images.shape[1:] == (224, 224, 3)


def test_nothing_there_is_one_line(tmp_path: Path) -> None:
    """It says what was looked for, and where to get it."""
    usual = ": needed is cifar-10-batches-py/ or train/ with a folder for each class: unpack cifar-10-python"
    with pytest.raises(InputError, match="cifar10-c: no training images in .*" + usual):
        open_training("cifar10-c", root=tmp_path)
    with pytest.raises(InputError, match="cifar10-c: no such folder, .*nowhere" + usual):
        open_training("cifar10-c", root=tmp_path / "nowhere")
    _class_folders(tmp_path / "train")
    with pytest.raises(InputError, match=r"nowhere\.npz: no such file or folder: needed is"):
        open_training("cifar10-c", root=tmp_path, test=tmp_path / "nowhere.npz")


def test_numbered_classes_are_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    """With leading zeros, that is; without them 10 would come after 1."""
    test = tmp_path / "test.npz"
    np.savez(test, images=images_of(100), labels=np.arange(100))
    _class_folders(tmp_path / "right", tuple(f"{k:02d}" for k in range(100)), count=1)
    training, _ = open_training("cifar100-c", root=tmp_path / "right", test=test)
    assert isinstance(training.images, ImageFiles)
    assert [int(Path(name).parts[0]) for name in training.images.names] == training.labels.tolist()
    _class_folders(tmp_path / "wrong" / "train", tuple(map(str, range(100))), count=1)
    with pytest.raises(
        InputError, match=r"train: the order of the class folders is not clear: label 2 is '10'"
    ):
        open_training("cifar100-c", root=tmp_path / "wrong", test=test)
    training, _ = open_training("cifar100-c", root=tmp_path / "wrong", test=test, classes="numbers")
    assert isinstance(training.images, ImageFiles)
    assert [int(Path(name).parts[0]) for name in training.images.names] == training.labels.tolist()


def test_classes_of_other_names_are_refused(tmp_path: Path) -> None:
    """Sorted by other names the labels would be in another order than those of the test images."""
    _class_folders(tmp_path / "train", ("plane", "car", *CIFAR[2:]))
    with pytest.raises(
        InputError, match=r"the 10 classes needs a folder, and there is none for airplane and 1 more"
    ):
        open_training("cifar10-c", root=tmp_path, test=_npz(tmp_path / "test.npz"))


def test_test_images_are_of_all_classes(tmp_path: Path) -> None:
    """A test folder that lacks a class is not the test set: the line names the class."""
    _class_folders(tmp_path / "train")
    _class_folders(tmp_path / "test", CIFAR[:-1])
    _class_folders(tmp_path / "other", CIFAR[:-1])
    for test in (None, tmp_path / "other"):
        with pytest.raises(
            InputError, match=r"of the 10 classes needs a folder, and there is none for truck"
        ):
            open_training("cifar10-c", root=tmp_path, test=test)


def test_your_own_images_have_the_same_classes_in_both_parts(tmp_path: Path) -> None:
    """A class without test images would move the labels of those behind it."""
    _class_folders(tmp_path / "train", ("cat", "dog", "owl"), size=260)
    _class_folders(tmp_path / "val", ("cat", "owl"), size=260)
    with pytest.raises(
        InputError, match=r"val: expected the 3 class folders of .*train, got 2: 'dog' is in one of them only"
    ):
        open_training("folder-c", root=tmp_path)
    _class_folders(tmp_path / "val", ("dog",), size=260)
    training, tests = open_training("folder-c", root=tmp_path)
    assert training.labels.tolist() == [0, 0, 1, 1, 2, 2]
    assert sorted(tests.labels.tolist()) == [0, 0, 1, 1, 2, 2]
    with pytest.raises(InputError, match="folder-c needs --root"):
        open_training("folder-c")


def test_a_list_of_ones_own_has_the_same_classes_in_both_parts(tmp_path: Path) -> None:
    """A class of the list without test images is named; folders that it leaves out may lie in one part only."""
    _class_folders(tmp_path / "train", ("cat", "dog", "owl", "unused"), size=260)
    _class_folders(tmp_path / "val", ("cat", "owl", "others"), size=260)
    listed = tmp_path / "classes.txt"
    listed.write_text("owl\ndog\ncat\n")
    with pytest.raises(
        InputError, match=r"val: expected the 3 class folders of .*train, got 2: 'dog' is in one of them only"
    ):
        open_training("folder-c", root=tmp_path, classes=listed)
    _class_folders(tmp_path / "val", ("dog",), size=260)
    training, tests = open_training("folder-c", root=tmp_path, classes=listed)
    assert sorted(training.labels.tolist()) == sorted(tests.labels.tolist()) == [0, 0, 1, 1, 2, 2]


def test_other_folders_in_the_usual_places_are_no_classes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder of published corruptions, say: the line says what to fetch."""
    (tmp_path / "CIFAR-10-C").mkdir()
    monkeypatch.setenv("PPBENCH_DATA", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("ppbench.data.places.user_folder", lambda: tmp_path / "nowhere")
    with pytest.raises(
        InputError,
        match=r"cifar10-c: no training images .*cifar-10-batches-py/ or train/ .*unpack cifar-10-python\.tar\.gz",
    ):
        open_training("cifar10-c")
