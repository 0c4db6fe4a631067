"""Sets whose images keep the size they have: which constants belong to them, and which sizes there are."""

import math
from collections.abc import Iterable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path

from corruptions.names import PROTOCOL_SIZES
from ppbench.data.picture import open_rgb, size_of
from ppbench.errors import InputError, unknown

OWN = "own"
"""What `--size` takes for it."""


@dataclass(frozen=True)
class Sizes:
    """The sizes of the images of a set.

    Attributes:
        smallest: height and width of the image with the shortest side, and its file.
        largest: of the one with the longest of the shorter sides, and its file.
        alike: whether all have one size.
    """

    smallest: tuple[int, int, Path]
    largest: tuple[int, int, Path]
    alike: bool

    @property
    def shortest_side(self) -> int:
        """In pixels, of all images."""
        return min(self.smallest[:2])

    def __str__(self) -> str:
        """Return it in words: ``28x28``, or ``28x28 to 96x120``."""
        small, large = (f"{height}x{width}" for height, width, _ in (self.smallest, self.largest))
        return small if self.alike else f"{small} to {large}"


def sizes_of(folder: Path, names: Sequence[str], pool: Executor) -> Sizes:
    """Return the sizes of image files, from their first bytes.

    Args:
        folder: that they are in.
        names: their paths in it.
        pool: whose threads read them.

    Raises:
        InputError: one is damaged.
    """

    def one(name: str) -> tuple[int, int, Path]:
        path = folder / name
        size = size_of(path)
        if size is None:
            open_rgb(path)  # which says what is wrong with it
            raise InputError(f"{path}: damaged, or no image: fetch it again or remove it")
        return size[1], size[0], path

    found = list(pool.map(one, names))
    return Sizes(
        min(found, key=lambda each: (min(each[:2]), each[:2])),
        max(found, key=lambda each: (min(each[:2]), each[:2])),
        len({each[:2] for each in found}) == 1,
    )


def nearest_protocol(side: int) -> str:
    """Return the protocol whose images have the nearest size, as a ratio: up to 45 pixels CIFAR-C's, up to 119 Tiny's.

    Args:
        side: the shorter one of an image, in pixels.
    """
    return min(PROTOCOL_SIZES, key=lambda name: abs(math.log(side / PROTOCOL_SIZES[name])))


def protocol_of(folder: Path, sizes: Sizes, asked: str | None) -> tuple[str, str]:
    """Return whose constants belong to a set, and a note that says so.

    Args:
        folder: of the set.
        sizes: of its images.
        asked: what the user says; None: nothing.

    Raises:
        InputError: nothing is said, and the images are not all nearest to one protocol's size.
    """
    if asked is not None:
        return (
            asked,
            f"images at their own size, {sizes}, under the constants of {asked}, which --protocol chose",
        )
    nearest = [nearest_protocol(min(each[:2])) for each in (sizes.smallest, sizes.largest)]
    if nearest[0] != nearest[1]:
        raise InputError(
            f"{folder}: its images are of {sizes} pixels, nearest to {nearest[0]} and to {nearest[1]}: say whose "
            f"constants are meant: --protocol {nearest[0]} or --protocol {nearest[1]}"
        )
    made_for = PROTOCOL_SIZES[nearest[0]]
    return nearest[0], (
        f"images at their own size, {sizes}, under the constants of {nearest[0]}, made for {made_for} pixels, the "
        "nearest size of a protocol"
    )


def check_size_options(data: str, size: str | None, protocol: str | None) -> None:
    """Refuse `--size` and `--protocol` where they mean nothing.

    Args:
        data: the set's name.
        size: what the user says of the size.
        protocol: what the user says of the constants.

    Raises:
        InputError: another set than folder-c, another word than ``own``, no such protocol.
    """
    if size not in (None, OWN):
        raise InputError(f"expected --size own, or no --size for the size of the protocol, got {size!r}")
    if size == OWN and data != "folder-c":
        raise InputError(
            f"--size own is for --data folder-c: the images of {data} have the size of its protocol"
        )
    if protocol is not None and size != OWN:
        raise InputError(f"--protocol {protocol} is for --size own: {data} has the constants of its own")
    if protocol is not None and protocol not in PROTOCOL_SIZES:
        raise unknown("protocol", protocol, PROTOCOL_SIZES)


def refuse_too_small(needs: Iterable[tuple[str, int, int]], sizes: Sizes) -> None:
    """Refuse images that are too small for corruptions.

    Args:
        needs: corruption, severity, and the side it needs in pixels.
        sizes: of the images.

    Raises:
        InputError: they are; the line names each corruption with the side that it needs.
    """
    lacking: dict[str, tuple[int, int]] = {}
    for name, severity, side in needs:
        if side > sizes.shortest_side and side > lacking.get(name, (0, 0))[1]:
            lacking[name] = severity, side
    if not lacking:
        return
    height, width, path = sizes.smallest
    told = ", ".join(
        f"{name} {side}x{side} (severity {severity})" for name, (severity, side) in lacking.items()
    )
    raise InputError(
        f"{path}: {height}x{width} pixels are too few for {told}: leave {'it' if len(lacking) == 1 else 'them'} out "
        "with --corruptions, or enlarge the images"
    )
