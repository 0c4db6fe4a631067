"""Finding a set's images below a folder, in whichever layout they are there."""

from collections.abc import Sequence
from functools import partial
from itertools import islice
from pathlib import Path

from ppbench.data.cifar import LAYOUTS, find_cifar, read_cifar
from ppbench.data.cifar_c import NpyFolder, arrays_there, is_npy_folder
from ppbench.data.class_folders import PARTS, class_folders, image_names, read_class_folders
from ppbench.data.class_order import ANY, ClassOrder, sorted_classes
from ppbench.data.classes import class_list
from ppbench.data.digits import digits
from ppbench.data.image_files import Geometry, OwnSize
from ppbench.data.image_set import ImageSet
from ppbench.data.imagenet_c import TreeFolder, holds_only_cells, places
from ppbench.data.numpy_files import read_npz
from ppbench.data.packed import (
    PackedFolder,
    corruptions_in,
    has_clean_shards,
    is_packed,
    is_shard,
    read_packed,
    shards_in,
)
from ppbench.data.places import download_folder, usual_places
from ppbench.data.registry import DataSet
from ppbench.data.tiny_imagenet import ANNOTATIONS, find_annotated, read_annotated
from ppbench.errors import InputError


def find_published(spec: DataSet, root: Path | None) -> Path | None:
    """Return the folder of the published cells: the root or the one of the usual name in it.

    Without a root only folders of the usual name count: what else lies in the usual places may be anything.
    """
    find = partial(_is_unpacked, spec)
    if root is not None:
        places = [*([root / spec.published] if spec.published else []), root / spec.name, root]
    else:
        places = [place / spec.published for place in usual_places() if spec.published]
    found = next((place for place in places if find(place)), None)
    if found is None and not spec.embedded:
        found = next((place for place in places if is_packed(place)), None)
    return found


def corruptions_there(spec: DataSet, root: Path | None, source: str = "auto") -> Sequence[str]:
    """Return what the corruptions of a published set are called in its folder; none where there is no such folder.

    Args:
        spec: of the data set.
        root: as of `find_published`.
        source: where it is ``"generated"``, a published folder does not count.
    """
    folder = None if source == "generated" else find_published(spec, root)
    if folder is None:
        return ()
    if not _is_unpacked(spec, folder):
        return corruptions_in(folder)
    return sorted(places(folder)) if spec.layout == "imagenet" else arrays_there(folder)


def _is_unpacked(spec: DataSet, folder: Path) -> bool:
    if spec.layout != "imagenet":
        return is_npy_folder(folder)
    cells = ((place, severity) for place in places(folder).values() for severity in class_folders(place))
    # Shards may lie in <corruption>/<severity>/, too, where a tree has its class folders.
    return any(not shards_in(place / severity) for place, severity in islice(cells, 1))


def open_published(
    spec: DataSet, folder: Path, corruptions: Sequence[str], severities: Sequence[int]
) -> NpyFolder | TreeFolder | PackedFolder:
    """Open the cells that `find_published` found.

    Raises:
        InputError: what is there is not as the format says.
    """
    if not _is_unpacked(spec, folder):
        if spec.own_size:
            raise InputError(f"{folder}: --size own is for image files in class folders, and here are shards")
        return PackedFolder(
            folder, spec.name, spec.image_size, spec.class_ids, spec.num_classes, corruptions, severities
        )
    if spec.layout == "imagenet":
        return TreeFolder(
            folder,
            spec.name,
            None if spec.own_size else spec.image_size,
            spec.wnids,
            spec.num_classes,
            corruptions,
            severities,
            spec.order,
        )
    assert spec.num_classes is not None  # only class folders decide it for themselves
    return NpyFolder(folder, spec.name, spec.image_size, spec.num_classes, corruptions)


def find_clean(spec: DataSet, root: Path | None, beside: Sequence[Path] = ()) -> ImageSet | None:
    """Return the clean images: those of the root, or without one the embedded ones or those in the usual places.

    Args:
        spec: of the data set.
        root: a folder, or an `.npz`.
        beside: folders to look in before the usual places, for the usual names.

    Raises:
        InputError: what is there is not as its format says.
    """
    if root is not None and (found := _named(spec, root)):
        return found
    if root is None or beside:
        if spec.embedded:
            return digits("test")
        for place in [*beside, *([] if root else usual_places())]:
            if found := _usual(spec, place):
                return found
    return None


def _named(spec: DataSet, root: Path) -> ImageSet | None:
    """Read what a user called the set: a file, the usual layout, or class folders whatever they are called."""
    if root.is_file() and not is_shard(root):
        if spec.num_classes is None:
            raise InputError(f"{root}: this is a file: name a folder that has a folder for each class")
        return read_npz(root, spec.name, spec.image_size, spec.num_classes)
    if found := _usual(spec, root):
        return found
    places = (root, *(root / part for part in TEST_FOLDERS))
    place = next((place for place in places if _has_classes(spec, place)), None)
    # Any folder may be a class of one's own, as `data/` of a set in shards: where it has images it is.
    if (place is None or not _holds_images(place)) and not spec.embedded and has_clean_shards(root):
        if spec.own_size:
            raise InputError(f"{root}: --size own is for image files in class folders, and here are shards")
        if is_packed(root):
            return None  # corrupted images, next to which there are no clean ones
        geometry = Geometry(spec.image_size, spec.resize)
        return read_packed(root, spec.name, geometry, spec.class_ids, spec.num_classes)
    return None if place is None else _class_folders(spec, place)


def _holds_images(place: Path) -> bool:
    return any(image_names(place / name) for name in class_folders(place))


TEST_FOLDERS = ("val", "test")
"""What the folder of the test images is called beside `train`."""


def known_classes(spec: DataSet, folder: Path) -> Sequence[str] | None:
    """Return what the class folders of a set are called, label 0 first; None where any name is a class.

    CIFAR's are called as its authors call them, or numbered: "plane" would stand elsewhere.

    Raises:
        InputError: they are numbered, as text in another order, and the user does not say which order counts.
    """
    if spec.layout != "cifar" or spec.wnids is not None:
        return spec.wnids
    numbers = [name for name in class_folders(folder) if name.isdecimal()]
    if sorted(map(int, numbers)) == list(range(spec.num_classes or 0)):
        return sorted_classes(folder, numbers, spec.order).names
    return spec.class_ids


def check_all_classes(folder: Path, known: Sequence[str]) -> None:
    """Refuse a folder that lacks classes.

    Raises:
        InputError: a class has no folder.
    """
    if missing := [name for name in known if not (folder / name).is_dir()]:
        others = [name for name in class_folders(folder) if name not in known]
        raise InputError(
            f"{folder}: each of the {len(known):,} classes needs a folder, and there is none for {missing[0]}"
            + (f" and {len(missing) - 1:,} more" if len(missing) > 1 else "")
            + (f": rename {', '.join(others[:2])}{', …' if others[2:] else ''}" if others else "")
        )


def locate_clean(spec: DataSet, place: Path) -> Path | None:
    """Return where the clean images are in a folder, in their usual layout and under their usual name."""
    if spec.clean is None:
        return None
    if layout := LAYOUTS.get(spec.clean):
        return find_cifar(layout, place)
    if spec.wnids and (folder := find_annotated(place, Path(spec.clean).parts[0])):
        return folder
    return place / spec.clean if _has_classes(spec, place / spec.clean) else None


def _usual(spec: DataSet, place: Path) -> ImageSet | None:
    folder = locate_clean(spec, place)
    if folder is None:
        return None
    if layout := LAYOUTS.get(spec.clean or ""):
        return read_cifar(layout, folder, spec.name)
    if spec.wnids and (folder / ANNOTATIONS).is_file():
        return read_annotated(
            folder, spec.name, spec.image_size, spec.wnids, "known" if spec.order is None else "file"
        )
    return _class_folders(spec, folder)


def _has_classes(spec: DataSet, folder: Path) -> bool:
    names, known = class_folders(folder), known_classes(spec, folder)
    if known is not None:
        return not set(known).isdisjoint(names)
    parts = {name for name in names if name.lower() in PARTS}
    # Beside another part, or alone, `val` is no class; nor is a corruption: each would be read with all that is in it.
    if len(parts) > 1 or len(parts) == len(names) or holds_only_cells(folder):
        return False
    return spec.num_classes in (None, len(names))


def _class_folders(spec: DataSet, folder: Path) -> ImageSet:
    geometry: Geometry | OwnSize = OwnSize() if spec.own_size else Geometry(spec.image_size, spec.resize)
    known = known_classes(spec, folder)
    if known is not None and spec.layout == "cifar":  # of ImageNet a part is often all that one has
        check_all_classes(folder, known)
    return read_class_folders(
        folder, spec.name, geometry, known, spec.num_classes, order_of(spec, folder, known)
    )


def order_of(spec: DataSet, folder: Path, known: Sequence[str] | None) -> ClassOrder | None:
    """Return what a user says of the class folders of a set, where that matters.

    Raises:
        InputError: an order is asked for, and these folders are named as the classes are, which have theirs.
    """
    order = spec.order
    if order is None or order.names or known is None or known[0].isdecimal():
        return order
    if order == ANY:
        return None
    raise InputError(
        f"{folder}: the order of class folders such as {known[0]} is known: leave out --classes {order.by}"
    )


def no_class_folders(spec: DataSet) -> InputError:
    """Return the error for an order of class folders where there are none."""
    return InputError(
        f"{spec.name}: its labels are in the files, not in names of folders: leave out --classes"
    )


def wanted(spec: DataSet, source: str = "auto") -> str:
    """Say what a root can be."""
    if spec.layout == "imagenet":
        published = "a published tree (<corruption>/<severity>/<class>/)"
        clean = ["class folders" if spec.wnids is None else f"class folders such as {spec.wnids[0]}/"]
    else:
        published = "a published folder (one .npy a corruption and labels.npy)"
        clean = [f"{spec.clean}/"] if spec.clean else []
        if spec.layout == "cifar":
            clean.append(f"class folders such as {class_list(spec.name.removesuffix('-c'))[0]}/")
    if spec.num_classes is not None:
        clean.append("an .npz with images and labels")
    if source == "published":
        return published
    kinds = clean if source == "generated" else [published, *clean]
    return " or ".join(filter(None, [", ".join(kinds[:-1]), kinds[-1]]))


def not_found(spec: DataSet, root: Path | None, source: str) -> InputError:
    """Return the error for a set that is not there: what was looked for and where, what to fetch."""
    if root is not None:
        got = "a file" if root.is_file() else _content(root)
        return InputError(f"{root}: expected {wanted(spec, source)}, got {got}")
    if spec.embedded:
        return InputError(
            f"nothing is published for {spec.name}: leave --source out, or name a folder with --root"
        )
    if not spec.fetch:
        return InputError(f"{spec.name} needs --root: {wanted(spec, source)}")
    kinds = {"published": [spec.published], "generated": [spec.clean]}.get(
        source, [spec.published, spec.clean]
    )
    names = " or ".join(f"{kind}/" for kind in kinds)
    looked = ", ".join(map(str, usual_places()))
    fetch = spec.fetch.format(place=download_folder())
    return InputError(f"{spec.name}: no {names} in {looked}: {fetch}; or name it with --root")


def _content(folder: Path) -> str:
    names = sorted(path.name for path in folder.iterdir())
    if not names:
        return "an empty folder"
    return f"a folder with {', '.join(names[:3])}" + (", …" if len(names) > 3 else "")
