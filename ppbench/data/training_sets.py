"""The training images that go with a benchmark data set."""

from pathlib import Path

from ppbench.data.cifar import LAYOUTS, find_cifar, read_cifar
from ppbench.data.class_folders import class_folders, read_class_folders
from ppbench.data.digits import digits
from ppbench.data.finding import find_clean, not_found, wanted
from ppbench.data.image_files import Geometry
from ppbench.data.image_set import ImageSet
from ppbench.data.places import download_folder, usual_places
from ppbench.data.registry import DataSet, data_set
from ppbench.errors import InputError

_TRAIN, _TEST = "train", ("val", "test")


def open_training(
    name: str, *, root: Path | None = None, test: Path | None = None
) -> tuple[ImageSet, ImageSet]:
    """Return the training and the test images of a benchmark data set.

    Args:
        name: of the data set, e.g. ``"digits-c"``.
        root: the folder of the training images: in CIFAR's usual layout, or with a folder for each class in it or in
            its folder ``train``; None looks in the usual places, and takes the embedded images where there are some.
        test: the clean test images, a folder or an ``.npz``; None takes those that lie with the training images.

    Raises:
        InputError: there is no such data set, or its images are not there, or not of all classes.
    """
    spec = data_set(name)
    if spec.embedded:
        if root is not None or test is not None:
            raise InputError(f"the training images of {name} are embedded: leave --root and --test out")
        return digits("train"), digits("test")
    places = [root] if root is not None else usual_places()
    for place in places:
        if found := _found(spec, place, test):
            return found
    looked = ", ".join(map(str, places))
    layout = LAYOUTS.get(spec.clean or "")
    usual = f"{layout.folder}/ or " if layout else ""
    fetch = f": {spec.fetch.format(place=download_folder())}" if layout else ""
    raise InputError(
        f"{name}: expected {usual}train/ with a folder for each class in {looked}, got no such folder{fetch}"
    )


def _found(spec: DataSet, place: Path, test: Path | None) -> tuple[ImageSet, ImageSet] | None:
    layout = LAYOUTS.get(spec.clean or "")
    if layout and (folder := find_cifar(layout, place)) is not None:
        training = read_cifar(layout, folder, spec.name, "train")
        return training, read_cifar(layout, folder, spec.name) if test is None else _test(spec, test)
    folder = next((each for each in (place / _TRAIN, place) if _classes(spec, each)), None)
    if folder is None:
        return None
    training = _whole(spec, folder)
    if test is None:
        test = next(
            (place / part for part in _TEST if folder.name == _TRAIN and _classes(spec, place / part)), None
        )
    if test is None:
        raise InputError(f"{place}: expected test images in val/ or test/, got none: name them with --test")
    return training, _test(spec, test)


def _classes(spec: DataSet, folder: Path) -> list[str]:
    """Return the class folders; those of another set are none."""
    names = class_folders(folder)
    return [name for name in names if name in spec.wnids] if spec.wnids else names


def _whole(spec: DataSet, folder: Path) -> ImageSet:
    """Return the images of a folder that has all classes: a network cannot learn what it is never shown.

    Raises:
        InputError: a class has no folder, or no image in it.
    """
    if spec.wnids and (missing := [wnid for wnid in spec.wnids if not (folder / wnid).is_dir()]):
        raise InputError(
            f"{folder}: expected a folder for each of the {len(spec.wnids):,} classes, got none for {missing[0]}"
            + (f" and {len(missing) - 1:,} more" if len(missing) > 1 else "")
        )
    images = read_class_folders(
        folder, spec.name, Geometry(spec.image_size, spec.resize), spec.wnids, spec.num_classes
    )
    empty = sorted(set(range(images.num_classes)) - set(images.labels.tolist()))
    if empty:
        names = spec.wnids or class_folders(folder)
        raise InputError(f"{folder / names[empty[0]]}: expected training images, got none")
    return images


def _test(spec: DataSet, place: Path) -> ImageSet:
    if not place.exists():
        raise InputError(f"{place}: expected {wanted(spec, 'generated')}, got no such file or folder")
    found = find_clean(spec, place)
    if found is None:
        raise not_found(spec, place, "generated")
    return found
