"""Tiny-ImageNet's validation images in their own layout: one folder, and a file that says what they are."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ppbench.data.class_folders import PassedOver, image_names
from ppbench.data.class_order import Classes, Order
from ppbench.data.image_files import Geometry, ImageFiles
from ppbench.data.image_set import ImageSet
from ppbench.errors import InputError

ANNOTATIONS = "val_annotations.txt"


def find_annotated(root: Path, folder: str) -> Path | None:
    """Return the folder that holds `val_annotations.txt`; None if it is not there."""
    for place in (root, root / "val", root / folder / "val"):
        if (place / ANNOTATIONS).is_file():
            return place
    return None


def read_annotated(folder: Path, name: str, size: int, known: Sequence[str], by: Order = "known") -> ImageSet:
    """Return the images by class and then by name, as every folder of class folders is read.

    Args:
        folder: that `find_annotated` returned.
        name: of the set.
        size: side of the images in pixels.
        known: the wnids, label 0 first.
        by: whose list that is, see `Classes`.

    Raises:
        InputError: a line of the annotations is not a file name and a known wnid.
    """
    path = folder / ANNOTATIONS
    number = {wnid: label for label, wnid in enumerate(known)}
    rows = []
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        file, _, rest = line.partition("\t")
        wnid = rest.split("\t")[0].strip()
        if wnid not in number:
            raise InputError(f"{path}: expected lines of a file name, a tab and a wnid, got {line[:60]!r}")
        rows.append((wnid, f"images/{file}"))
    if not rows:
        raise InputError(f"{path}: has no line, and needs one for each image: unpack the archive again")
    rows.sort()
    passed = PassedOver()
    for file in sorted(set(image_names(folder / "images")) - {Path(name).name for _, name in rows}):
        passed.add(f"images without a line in {ANNOTATIONS}", f"images/{file}")
    labels = np.array([number[wnid] for wnid, _ in rows], np.int64)
    files = ImageFiles(folder, [file for _, file in rows], Geometry(size))
    ids = np.arange(len(rows), dtype=np.int64)
    return ImageSet(name, files, labels, ids, len(known), Classes(tuple(known), by), passed.notes(folder))
