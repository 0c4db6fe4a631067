"""Which corruptions there are, and what one is.

Every built-in corruption is an object in its family's module, named like the corruption in capitals
(`corruptions.noise.GAUSSIAN_NOISE`). A family's module is imported when one of its corruptions is asked for.
"""

import importlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from torch import Tensor

from corruptions.errors import CorruptionError, unknown
from corruptions.random import Random

Constants = Mapping[str, float]
Fields = Mapping[str, Tensor]
Draw = Callable[[Tensor, Constants, Random], Fields]
Apply = Callable[[Tensor, Constants, Fields], Tensor]


def draw_nothing(images: Tensor, constants: Constants, random: Random) -> Fields:  # noqa: ARG001 - one signature for all
    """Draw no fields: the corruption is deterministic."""
    return {}


@dataclass(frozen=True)
class Corruption:
    """One corruption: how its random fields are drawn, and how given fields are applied.

    Attributes:
        name: the field's own name, e.g. ``"gaussian_noise"``.
        group: ``noise``, ``blur``, ``weather``, ``digital`` or ``extra``.
        version: goes up whenever the output for some input changes; part of the key of a stored result.
        apply: ``(images uint8 (N,3,H,W), constants, fields) -> uint8 (N,3,H,W)``; must not change its input.
        draw: ``(images, constants, random) -> fields``; every field's first dimension is N.
        constants: a plug-in's own constants, five mappings (severity 1 to 5). The built-in corruptions leave
            it out: theirs are in `corruptions/protocols`.
        any_layout: `draw` and `apply` also take images that lie in memory as (N,H,W,3), strided as (N,3,H,W), which
            spares a conversion. The others are always given contiguous ones.
    """

    name: str
    group: str
    version: int
    apply: Apply
    draw: Draw = draw_nothing
    constants: Sequence[Constants] | None = None
    any_layout: bool = False


_FAMILIES = {  # name: (group, module), in the order of the benchmark
    "gaussian_noise": ("noise", "noise"),
    "shot_noise": ("noise", "noise"),
    "impulse_noise": ("noise", "noise"),
    "defocus_blur": ("blur", "disk"),
    "glass_blur": ("blur", "glass"),
    "motion_blur": ("blur", "motion"),
    "zoom_blur": ("blur", "zoom"),
    "snow": ("weather", "snow"),
    "frost": ("weather", "frost"),
    "fog": ("weather", "fog"),
    "brightness": ("weather", "colour"),
    "contrast": ("digital", "colour"),
    "elastic_transform": ("digital", "elastic"),
    "pixelate": ("digital", "pixelate"),
    "jpeg_compression": ("digital", "jpeg"),
    "speckle_noise": ("extra", "noise"),
    "gaussian_blur": ("extra", "gaussian"),
    "spatter": ("extra", "spatter"),
    "saturate": ("extra", "colour"),
}
GROUPS: Mapping[str, str] = {name: group for name, (group, _) in _FAMILIES.items()}
NAMES = tuple(name for name, group in GROUPS.items() if group != "extra")
EXTRA_NAMES = tuple(name for name, group in GROUPS.items() if group == "extra")


@cache
def corruption(name: str) -> Corruption:
    """Return the corruption of that name.

    Raises:
        CorruptionError: there is none; the near miss is suggested.
    """
    if name not in _FAMILIES:
        raise unknown("corruption", name, _FAMILIES)
    group, module = _FAMILIES[name]
    found = getattr(importlib.import_module(f"corruptions.{module}"), name.upper())
    if not isinstance(found, Corruption) or (found.name, found.group) != (name, group):
        raise CorruptionError(
            f"expected corruptions.{module}.{name.upper()} to be the corruption {name!r} of group {group!r}"
        )
    return found
