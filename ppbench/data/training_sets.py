"""The training images that go with a benchmark data set."""

from collections.abc import Sequence
from pathlib import Path

from ppbench.data.cifar import LAYOUTS, find_cifar, read_cifar
from ppbench.data.class_folders import class_folders, read_class_folders
from ppbench.data.class_order import read_order
from ppbench.data.digits import digits
from ppbench.data.finding import (
    TEST_FOLDERS,
    check_all_classes,
    find_clean,
    known_classes,
    no_class_folders,
    not_found,
    order_of,
    wanted,
)
from ppbench.data.image_files import Geometry, ImageFiles
from ppbench.data.image_set import ImageSet
from ppbench.data.places import download_folder, usual_places
from ppbench.data.registry import DataSet, data_set
from ppbench.errors import InputError

_TRAIN = "train"


def open_training(
    name: str,
    *,
    root: Path | None = None,
    test: Path | None = None,
    classes: str | Path | Sequence[str] | None = None,
) -> tuple[ImageSet, ImageSet]:
    """Return the training and the test images of a benchmark data set.

    Args:
        name: of the data set, e.g. ``"digits-c"``.
        root: the folder of the training images: in CIFAR's usual layout, or with a folder for each class in it or in
            its folder ``train``; None looks in the usual places, and takes the embedded images where there are some.
        test: the clean test images, a folder or an ``.npz``; None takes those that lie with the training images.
        classes: which class folder has which label, as in `open_data`.

    Raises:
        InputError: there is no such data set, or its images are not there, not of all classes, or the test images of
            others.
    """
    spec, place = find_training(name, root=root, test=test, classes=classes)
    if place is None:
        return digits("train"), digits("test")
    found = _found(spec, place, test)
    if spec.order is not None and found[0].classes is None:
        raise no_class_folders(spec)
    return found


def find_training(
    name: str,
    *,
    root: Path | None = None,
    test: Path | None = None,
    classes: str | Path | Sequence[str] | None = None,
) -> tuple[DataSet, Path | None]:
    """Return what is known of a set, and where training images of it are; none of them is read.

    Args:
        name: as of `open_training`, like all of them.
        root: the folder of the training images.
        test: the clean test images.
        classes: which class folder has which label.

    Returns:
        The set, and a place that holds some; None where they are embedded.

    Raises:
        InputError: there is no such data set, or none of its training images is there.
    """
    spec = data_set(name).ordered(read_order(classes))
    if spec.embedded:
        if root is not None or test is not None:
            raise InputError(f"the training images of {name} are embedded: leave --root and --test out")
        return spec, None
    if root is None and spec.num_classes is None:
        raise InputError(
            f"{name} needs --root: a folder with train/ and val/, a folder for each class in both"
        )
    places = [root] if root is not None else usual_places()
    for place in places:
        if _cifar(spec, place) or _folder(spec, place):
            return spec, place
    looked = ", ".join(map(str, places))
    layout = LAYOUTS.get(spec.clean or "")
    usual = f"{layout.folder}/ or " if layout else ""
    lacking = "no training images in" if root is None or root.is_dir() else "no such folder,"
    fetch = f": {spec.fetch_clean.format(place=root or download_folder())}" if layout else ""
    raise InputError(
        f"{name}: {lacking} {looked}: needed is {usual}train/ with a folder for each class{fetch}"
    )


def _cifar(spec: DataSet, place: Path) -> Path | None:
    """Return the folder of CIFAR's usual layout in a place."""
    layout = LAYOUTS.get(spec.clean or "")
    return find_cifar(layout, place) if layout else None


def _folder(spec: DataSet, place: Path) -> Path | None:
    """Return the folder of class folders in a place."""
    return next((each for each in (place / _TRAIN, place) if _classes(spec, each)), None)


def _found(spec: DataSet, place: Path, test: Path | None) -> tuple[ImageSet, ImageSet]:
    layout = LAYOUTS.get(spec.clean or "")
    if layout and (folder := _cifar(spec, place)) is not None:
        training = read_cifar(layout, folder, spec.name, "train")
        return training, read_cifar(layout, folder, spec.name) if test is None else _test(spec, test)
    folder = _folder(spec, place)
    assert folder is not None  # or `find_training` would not have named the place
    training = _whole(spec, folder)
    if test is None:
        test = next(
            (place / part for part in TEST_FOLDERS if folder.name == _TRAIN and _classes(spec, place / part)),
            None,
        )
    if test is None:
        raise InputError(f"{place}: no test images in val/ or test/: name them with --test")
    tests = _test(spec, test)
    _check_same_classes(spec, folder, tests)
    return training, tests


def _classes(spec: DataSet, folder: Path) -> list[str]:
    """Return the class folders; those of another set are none."""
    known = known_classes(spec, folder)
    return [name for name in class_folders(folder) if known is None or name in known]


def _whole(spec: DataSet, folder: Path) -> ImageSet:
    """Return the images of a folder that has all classes: a network cannot learn what it is never shown.

    Raises:
        InputError: a class has no folder, or no image in it.
    """
    known = known_classes(spec, folder)
    if known:
        check_all_classes(folder, known)
    images = read_class_folders(
        folder,
        spec.name,
        Geometry(spec.image_size, spec.resize),
        known,
        spec.num_classes,
        order_of(spec, folder, known),
    )
    _check_no_empty_class(images, folder, "training")
    return images


def _check_no_empty_class(images: ImageSet, folder: Path, part: str) -> None:
    empty = sorted(set(range(images.num_classes)) - set(images.labels.tolist()))
    if empty:
        assert images.classes is not None  # they lie in class folders
        raise InputError(f"{folder / images.classes.names[empty[0]]}: no {part} images in it")


def _test(spec: DataSet, place: Path) -> ImageSet:
    if not place.exists():
        raise InputError(f"{place}: no such file or folder: needed is {wanted(spec, 'generated')}")
    found = find_clean(spec, place)
    if found is None:
        raise not_found(spec, place, "generated")
    return found


def _check_same_classes(spec: DataSet, training: Path, tests: ImageSet) -> None:
    """Compare the class folders, but of a set with a list of its own: of that a part of the tests is enough.

    Where a user lists the classes, folders of other names are none of them in either part.

    Raises:
        InputError: the test images have other class folders, or one without an image.
    """
    if spec.classes is not None or not isinstance(tests.images, ImageFiles):
        return
    wanted, found = (_listed(spec, folder) for folder in (training, tests.images.folder))
    if other := sorted(set(wanted) ^ set(found)):
        raise InputError(
            f"{tests.images.folder}: expected the {len(wanted):,} class folders of {training}, got {len(found):,}: "
            f"{other[0]!r} is in one of them only"
        )
    _check_no_empty_class(tests, tests.images.folder, "test")


def _listed(spec: DataSet, folder: Path) -> list[str]:
    """Return the class folders; where a user lists the classes, those."""
    return [name for name in class_folders(folder) if spec.wnids is None or name in spec.wnids]
