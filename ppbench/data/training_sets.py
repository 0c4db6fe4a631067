"""The training images that go with a benchmark data set."""

from pathlib import Path

from ppbench.data.cifar import LAYOUTS, find_cifar, read_cifar
from ppbench.data.digits import digits
from ppbench.data.image_set import ImageSet
from ppbench.data.places import download_folder, usual_places
from ppbench.data.registry import DATA_SETS, data_set
from ppbench.errors import InputError


def open_training(name: str, *, root: Path | None = None) -> tuple[ImageSet, ImageSet]:
    """Return the training and the test images of a benchmark data set.

    Args:
        name: of the data set, e.g. ``"digits-c"``.
        root: the folder of the clean images in their usual layout; None looks in the usual places, and takes the
            embedded images where there are some.

    Raises:
        InputError: there is no such data set, or its training images are not there.
    """
    spec = data_set(name)
    if spec.embedded:
        if root is not None:
            raise InputError(f"the training images of {name} are embedded: leave --root out")
        return digits("train"), digits("test")
    layout = LAYOUTS.get(spec.clean or "")
    if layout is None:
        raise InputError(
            f"expected a data set with training images ({', '.join(_trainable())}), got {name!r}"
        )
    places = [root] if root is not None else usual_places()
    for place in places:
        if (folder := find_cifar(layout, place)) is not None:
            return read_cifar(layout, folder, name, "train"), read_cifar(layout, folder, name)
    looked = ", ".join(map(str, places))
    fetch = spec.fetch.format(place=download_folder())
    raise InputError(f"{name}: expected {layout.folder}/ in {looked}, got no such folder: {fetch}")


def _trainable() -> list[str]:
    return [name for name, spec in DATA_SETS.items() if spec.embedded or spec.clean in LAYOUTS]
