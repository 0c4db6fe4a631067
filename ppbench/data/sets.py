"""Opening a data set by name: find it, check it, take the subset."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from ppbench.data.cifar_c import NpyFolder
from ppbench.data.class_order import ANY, ClassOrder, read_order
from ppbench.data.digits import digits
from ppbench.data.finding import (
    find_clean,
    find_published,
    locate_clean,
    no_class_folders,
    not_found,
    open_published,
    wanted,
)
from ppbench.data.generated_set import GeneratedSet, generated_set
from ppbench.data.image_files import ImageFiles, OwnSize, decoding_pool
from ppbench.data.image_set import ImageSet
from ppbench.data.imagenet_c import TreeFolder
from ppbench.data.own_size import Sizes, protocol_of, sizes_of
from ppbench.data.packed import PackedFolder
from ppbench.data.places import usual_places
from ppbench.data.registry import DATA_SETS, DataSet, data_set
from ppbench.data.severities import SEVERITIES
from ppbench.data.source import DataSource
from ppbench.data.subset import stratified_rows
from ppbench.errors import InputError, check_seed, unknown

__all__ = ["DATA_SETS", "SOURCES", "DataSource", "open_data"]

SOURCES = ("auto", "published", "generated")


def open_data(
    name: str,
    *,
    root: Path | None = None,
    source: str = "auto",
    corruptions: Sequence[str] = (),
    severities: Sequence[int] = (),
    limit: int | None = None,
    seed: int = 0,
    classes: str | Path | Sequence[str] | ClassOrder | None = None,
    size: str | None = None,
    protocol: str | None = None,
    mixed: bool = False,
) -> DataSource:
    """Find a data set, check all of it that a run needs, and take the subset.

    Args:
        name: of the data set, e.g. ``"digits-c"``.
        root: a published -C folder, a folder of clean images in their usual layout, the folder that holds either, or
            an ``.npz`` with `images` and `labels`; None looks in `$PPBENCH_DATA`, ``./data`` and the user's data
            folder, and takes the embedded images where there are some.
        source: ``"published"`` reads published cells, ``"generated"`` only clean images, ``"auto"`` takes
            published ones where the root has them.
        corruptions: those that will be asked for; a published folder must have them. None named: those it has.
        severities: those that will be asked for.
        limit: take a stratified subset of so many images; None takes all.
        seed: fixes the subset; 0 or more.
        classes: which class folder has which label: ``"text"`` (as torchvision's ImageFolder sorts), ``"numbers"`` (as
            timm sorts), a file with a folder's name a line, label 0 first, or such a list. None takes the set's own
            list, or, where there is none, the sorted names, if text and number order are the same.
        size: ``"own"``: the images of folder-c keep the size they have; None resizes them to that of the protocol.
        protocol: whose constants, at that size; None takes those of the nearest size.
        mixed: whether the images may have several sizes; if not, they must be square, too.

    Raises:
        InputError: the set is not there, or something in it is not as its format says; one line.
    """
    check_seed(seed)
    spec = find_data(name, root=root, source=source, classes=classes, size=size, protocol=protocol)
    if bad := [severity for severity in severities if severity not in SEVERITIES]:
        raise InputError(f"expected severities from 1 to 5, got {bad[0]}")
    folder = None if source == "generated" else find_published(spec, root)
    if folder is not None:
        opened = _with_cells(spec, root, open_published(spec, folder, corruptions, severities))
    else:
        clean = None if source == "published" else find_clean(spec, root)
        if clean is None:
            raise not_found(spec, root, source)
        opened = _from_clean(spec, clean)
    if spec.own_size:
        opened = _at_own_size(spec, opened, mixed=mixed)
    if opened.classes is None and spec.order not in (None, ANY):
        raise no_class_folders(spec)
    if spec.wnids:
        opened = opened.with_classes_noted()
    if opened.classes is None:
        opened = opened.with_first_label_noted()
    return opened if limit is None else _subset(opened, limit, seed)


def find_data(
    name: str,
    *,
    root: Path | None = None,
    source: str = "auto",
    classes: str | Path | Sequence[str] | ClassOrder | None = None,
    size: str | None = None,
    protocol: str | None = None,
) -> DataSet:
    """Return what is known of a set whose images, or something in their place, are there; none of them is read.

    Args:
        name: as of `open_data`, like all of them.
        root: the folder or file.
        source: ``"auto"``, ``"published"`` or ``"generated"``.
        classes: which class folder has which label.
        size: what the user says of the images' size.
        protocol: what the user says of the constants at that size.

    Raises:
        InputError: there is no such set, source or root, or nothing of the set is in the usual places.
    """
    spec = data_set(name).at_size(size, protocol).ordered(read_order(classes))
    if source not in SOURCES:
        raise unknown("source", source, SOURCES)
    if root is not None:
        if not root.exists():
            raise InputError(f"{root}: no such file or folder: needed is {wanted(spec, source)}")
        return spec
    published = None if source == "generated" else find_published(spec, None)
    clean = source != "published" and (spec.embedded or any(locate_clean(spec, at) for at in usual_places()))
    if published is None and not clean:
        raise not_found(spec, None, source)
    return spec


def _from_clean(spec: DataSet, clean: ImageSet) -> DataSource:
    return DataSource(
        name=spec.name,
        protocol=spec.protocol,
        source="generated",
        image_size=clean.image_size,
        num_classes=clean.num_classes,
        labels=clean.labels,
        ids=clean.ids,
        full_size=len(clean),
        clean=clean,
        notes=clean.notes,
        classes=clean.classes,
        own_images=not spec.embedded or clean.digest == digits("test").digest,
    )


def _with_cells(
    spec: DataSet, root: Path | None, published: NpyFolder | TreeFolder | PackedFolder
) -> DataSource:
    made = generated_set(published.folder)
    clean, notes = _clean_beside(spec, root, published, made)
    return DataSource(
        name=spec.name,
        protocol=spec.protocol,
        source="published",
        image_size=published.image_size,
        num_classes=published.num_classes,
        labels=published.labels,
        ids=published.ids,
        full_size=len(published.labels),
        clean=clean,
        published=published,
        notes=(*published.notes, *notes),
        classes=published.classes,
        made=made,
        own_images=not spec.embedded
        or np.array_equal(published.labels, _part_of(digits("test"), made).labels),
    )


def _clean_beside(
    spec: DataSet,
    root: Path | None,
    published: NpyFolder | TreeFolder | PackedFolder,
    made: GeneratedSet | None,
) -> tuple[ImageSet | None, tuple[str, ...]]:
    """Return the clean images beside published cells, if they are of the same test set, and what to know of them."""
    clean = published.clean(spec.image_size)
    if clean is not None:
        return clean, ()
    if spec.clean or spec.embedded:  # a folder of one's own has no usual name for its clean images
        clean = find_clean(spec, root if spec.clean else None, beside=[published.folder.parent])
    if clean is not None:
        clean = _part_of(clean, made)
    if clean is None or not np.array_equal(clean.labels, published.labels):
        return None, (_no_clean(spec, published, made, clean),)
    if isinstance(published, TreeFolder) and isinstance(clean.images, ImageFiles):
        files = [{Path(name).name for name in names} for names in (clean.images.names, published.names)]
        if files[0] != files[1]:
            # Tiny-ImageNet-C was made from other crops than Tiny-ImageNet's validation images.
            return clean, ("the clean images are not those that the published ones were made from",)
    return clean, ()


def _part_of(clean: ImageSet, made: GeneratedSet | None) -> ImageSet:
    """Return those of the clean images that `generate --limit` took, where the digest proves them; else all."""
    if made is None or made.limit is None or made.limit >= len(clean):
        return clean
    part = clean.take(stratified_rows(clean.labels, made.limit, made.seed))
    if part.digest != made.clean_digest:
        return clean
    return replace(part, ids=np.arange(len(part), dtype=np.int64))  # as the folder counts them


def _no_clean(
    spec: DataSet,
    published: NpyFolder | TreeFolder | PackedFolder,
    made: GeneratedSet | None,
    other: ImageSet | None,
) -> str:
    """Say why published cells have no clean images, and what gives them some, in one line."""
    folder, count = published.folder, len(published.labels)
    if other is None:
        why = f"no clean images of {folder} were found beside it"
        way = f": put {spec.clean}/ there" if spec.clean else ""
    elif made is not None and made.limit is not None:
        why = f"the clean images found beside {folder} are not known to be those that it was made from"
        way = f": name those with --root and --source generated --limit {made.limit} --seed {made.seed}"
    else:
        why = f"{folder} has {count:,} images, the clean ones found beside it are {len(other):,}"
        if count == len(other):
            why = f"{folder} has other labels than the clean images found beside it"
        way = ": put those that it was made from there"
    return f"no clean error, no relative scores: {why}{way}"


def _at_own_size(spec: DataSet, opened: DataSource, *, mixed: bool) -> DataSource:
    """Return a set whose images keep their size, with that size and the protocol that belongs to it.

    Raises:
        InputError: the images have several sizes, or are not square, where that will not do.
    """
    if opened.clean is not None:
        files = opened.clean.images
        assert isinstance(files, ImageFiles)  # a set of one's own is nothing else
        sizes, folder = sizes_of(files.folder, files.names, decoding_pool()), files.folder
    else:
        assert isinstance(opened.published, TreeFolder)
        height, width = opened.published.image_size
        folder = opened.published.folder
        sizes = Sizes((height, width, folder), (height, width, folder), alike=True)
    height, width, _ = sizes.smallest
    if not mixed and not (sizes.alike and height == width):
        others = (
            "" if sizes.alike else f" ({sizes.largest[2].name} has {sizes.largest[0]}x{sizes.largest[1]})"
        )
        raise InputError(
            f"{sizes.smallest[2]}: expected square images of one size, got {height}x{width}{others}: networks are "
            "given batches; `ppbench generate --size own` takes any, and without --size own all are resized to "
            f"{spec.image_size}"
        )
    stated = opened.made.protocol if opened.made is not None else None
    if stated is not None and spec.asked_protocol not in (None, stated):
        raise InputError(
            f"{folder}: made with the constants of {stated}, got --protocol {spec.asked_protocol}"
        )
    if stated is None:
        chosen, note = protocol_of(folder, sizes, spec.asked_protocol)
    else:
        chosen, note = stated, f"images at their own size, {sizes}, made with the constants of {stated}"
    clean = opened.clean
    if clean is not None and sizes.alike:
        assert isinstance(clean.images, ImageFiles)
        clean = replace(clean, images=replace(clean.images, geometry=OwnSize((height, width))))
    return replace(
        opened,
        protocol=chosen,
        image_size=(height, width),
        clean=clean,
        sizes=sizes,
        notes=(*opened.notes, note),
    )


def _subset(whole: DataSource, limit: int, seed: int) -> DataSource:
    if not 1 <= limit <= whole.full_size:
        raise InputError(
            f"expected a limit from 1 to the {whole.full_size:,} images of the set, got {limit:,}"
        )
    rows = stratified_rows(whole.labels, limit, seed)
    return replace(
        whole,
        labels=whole.labels[rows],
        ids=whole.ids[rows],
        clean=None if whole.clean is None else whole.clean.take(rows),
        rows=rows,
    )
