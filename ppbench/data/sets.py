"""Opening a data set by name: find it, check it, take the subset."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ppbench.data.cifar import LAYOUTS, find_cifar, read_cifar
from ppbench.data.cifar_c import NpyFolder, find_npy_folder
from ppbench.data.digits import digits
from ppbench.data.image_set import ImageSet
from ppbench.data.numpy_files import read_npz
from ppbench.data.places import download_folder, usual_places
from ppbench.data.registry import DATA_SETS, DataSet, data_set
from ppbench.data.source import DataSource
from ppbench.data.subset import stratified_rows
from ppbench.errors import InputError, unknown

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
        seed: fixes the subset.

    Raises:
        InputError: the set is not there, or something in it is not as its format says; one line.
    """
    spec = data_set(name)
    if source not in SOURCES:
        raise unknown("source", source, SOURCES)
    if bad := [severity for severity in severities if not 1 <= severity <= 5]:
        raise InputError(f"expected severities from 1 to 5, got {bad[0]}")
    if root is not None and not root.exists():
        raise InputError(f"{root}: expected {_wanted(spec)}, got no such file or folder")
    places = [root] if root is not None else usual_places()
    published = None if source == "generated" else _published(spec, places, corruptions)
    if published is not None:
        opened = _with_cells(spec, places, published)
    else:
        clean = None if source == "published" else _clean(spec, places, embedded=root is None)
        if clean is None:
            raise _not_found(spec, root, source)
        opened = _from_clean(spec, clean)
    return opened if limit is None else _subset(opened, limit, seed)


def _published(spec: DataSet, places: Sequence[Path], corruptions: Sequence[str]) -> NpyFolder | None:
    for place in places:
        folder = find_npy_folder(place, spec.published or spec.name)
        if folder is not None:
            return NpyFolder(folder, spec.name, spec.image_size, spec.num_classes, corruptions)
    return None


def _clean(spec: DataSet, places: Sequence[Path], *, embedded: bool) -> ImageSet | None:
    if spec.embedded and embedded:
        return digits("test")
    layout = LAYOUTS.get(spec.clean or "")
    for place in places:
        if place.is_file():
            return read_npz(place, spec.name, spec.image_size, spec.num_classes)
        if layout is not None and (folder := find_cifar(layout, place)) is not None:
            return read_cifar(layout, folder, spec.name)
    return None


def _from_clean(spec: DataSet, clean: ImageSet) -> DataSource:
    return DataSource(
        name=spec.name,
        protocol=spec.protocol,
        source="generated",
        image_size=clean.image_size,
        num_classes=spec.num_classes,
        labels=clean.labels,
        ids=clean.ids,
        full_size=len(clean),
        clean=clean,
    )


def _with_cells(spec: DataSet, places: Sequence[Path], published: NpyFolder) -> DataSource:
    """Add the clean images to published cells: those beside them, if they are of the same test set."""
    notes = []
    clean = published.clean(spec.image_size)
    if clean is None:
        around = [*places, published.folder, published.folder.parent]
        clean = _clean(spec, around, embedded=True)
        if clean is not None and not np.array_equal(clean.labels, published.labels):
            notes.append(
                f"the clean images found beside {published.folder} have other labels than it: they are not used"
            )
            clean = None
    return DataSource(
        name=spec.name,
        protocol=spec.protocol,
        source="published",
        image_size=(spec.image_size, spec.image_size),
        num_classes=spec.num_classes,
        labels=published.labels,
        ids=published.ids,
        full_size=len(published.labels),
        clean=clean,
        published=published,
        notes=tuple(notes),
    )


def _subset(whole: DataSource, limit: int, seed: int) -> DataSource:
    if not 1 <= limit <= whole.full_size:
        raise InputError(
            f"expected a limit from 1 to the {whole.full_size:,} images of the set, got {limit:,}"
        )
    rows = stratified_rows(whole.labels, limit, seed)
    return DataSource(
        name=whole.name,
        protocol=whole.protocol,
        source=whole.source,
        image_size=whole.image_size,
        num_classes=whole.num_classes,
        labels=whole.labels[rows],
        ids=whole.ids[rows],
        full_size=whole.full_size,
        clean=None if whole.clean is None else whole.clean.take(rows),
        published=whole.published,
        rows=rows,
        notes=whole.notes,
    )


def _wanted(spec: DataSet) -> str:
    """Say what a root can be."""
    kinds = [f"a published folder ({spec.published or 'one .npy a corruption and labels.npy'})"]
    kinds += [f"{spec.clean}/"] if spec.clean else []
    return f"{', '.join(kinds)} or an .npz with images and labels"


def _not_found(spec: DataSet, root: Path | None, source: str) -> InputError:
    if root is not None:
        what = "a published folder (one .npy a corruption and labels.npy)"
        wanted = what if source == "published" else _wanted(spec)
        if root.is_file():
            return InputError(f"{root}: expected {wanted}, got a file")
        content = sorted(path.name for path in root.iterdir())
        got = f"a folder with {', '.join(content[:3])}" + (", …" if len(content) > 3 else "")
        return InputError(f"{root}: expected {wanted}, got {got if content else 'an empty folder'}")
    if spec.embedded:
        return InputError(
            f"nothing is published for {spec.name}: leave --source out, or name a folder with --root"
        )
    wanted = {"published": f"{spec.published}/", "generated": f"{spec.clean}/"}.get(
        source, f"{spec.published}/ or {spec.clean}/"
    )
    looked = ", ".join(str(place) for place in usual_places())
    fetch = spec.fetch.format(place=download_folder())
    return InputError(
        f"{spec.name}: expected {wanted} in {looked}, got neither: {fetch}, or name it with --root"
    )
