"""How large an image has to be for a corruption: what its own arithmetic needs, and no more.

The benchmark's images have 32, 64 or 224 pixels. Nothing is padded: below these sizes a corruption is not made.
"""

import math
from collections.abc import Callable, Mapping

from corruptions.definition import Constants
from corruptions.names import GROUPS

MIN_SIZE = 32
"""Pixels of either side that every corruption is made for; plug-ins are promised as many."""


def _of_disk(constants: Constants) -> int:
    """Return one pixel more than the disk reaches: borders are reflected about the outermost pixel."""
    from corruptions.defocus_blur import planned  # brings torch

    return planned(constants["radius"], constants["alias_blur"]).reach + 1


def _of_glass(constants: Constants) -> int:
    """Return what leaves one pixel to be displaced, as far as delta to either side."""
    return 2 * int(constants["delta"]) + 1


def _of_pixelate(constants: Constants) -> int:
    """Return what leaves one pixel when the image is shrunk."""
    return math.ceil(1.0 / constants["factor"])


_NEEDS: Mapping[str, Callable[[Constants], int]] = {
    "defocus_blur": _of_disk,
    "glass_blur": _of_glass,
    "elastic_transform": lambda _constants: 3,  # its affine part moves three points a third of the side apart
    "pixelate": _of_pixelate,
    "gaussian_blur": lambda _constants: 2,  # of a single pixel there is nothing to blur
    "spatter": lambda _constants: 2,  # filters of 3 pixels, reflected about the outermost one
}


def smallest_side(name: str, constants: Constants) -> int:
    """Return how many pixels either side of an image has to have for a corruption; 1 where any will do.

    Args:
        name: of the corruption.
        constants: those of its severity and protocol.
    """
    if name not in GROUPS:
        return MIN_SIZE
    return _NEEDS[name](constants) if name in _NEEDS else 1
