"""What a corruption is."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

    from corruptions.random import Random

Constants = Mapping[str, float]
Fields = Mapping[str, "Tensor"]
Draw = Callable[["Tensor", Constants, "Random"], Fields]
Apply = Callable[["Tensor", Constants, Fields], "Tensor"]


def draw_nothing(images: "Tensor", constants: Constants, random: "Random") -> Fields:  # noqa: ARG001 - one signature for all
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
