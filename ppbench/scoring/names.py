"""The corruptions that scores speak of: 15 of the benchmark, 4 extra, and the groups tables show them in.

Scoring imports nothing of `corruptions`, so that a table of errors can be scored without torch; a test holds
the two lists equal.
"""

from collections.abc import Iterable
from typing import Final

GROUPS: Final[dict[str, tuple[str, ...]]] = {
    "noise": ("gaussian_noise", "shot_noise", "impulse_noise"),
    "blur": ("defocus_blur", "glass_blur", "motion_blur", "zoom_blur"),
    "weather": ("snow", "frost", "fog", "brightness"),
    "digital": ("contrast", "elastic_transform", "pixelate", "jpeg_compression"),
}
"""The benchmark's groups in the order of its tables (Hendrycks & Dietterich 2019, Table 1)."""

CORRUPTIONS: Final[tuple[str, ...]] = tuple(name for group in GROUPS.values() for name in group)
"""The 15 corruptions every benchmark mean is over."""

EXTRA: Final[tuple[str, ...]] = ("speckle_noise", "gaussian_blur", "spatter", "saturate")
"""The 4 hold-out corruptions: shown apart, in no benchmark mean."""

ALL: Final[tuple[str, ...]] = CORRUPTIONS + EXTRA

SEVERITIES: Final[tuple[int, ...]] = (1, 2, 3, 4, 5)

CLEAN: Final = "clean"
"""What an errors file calls the uncorrupted images; their severity is 0."""

PLUGIN: Final = "plugin:"
"""What the name of a third party's corruption begins with in every table: it is never taken for one of ours."""


def is_known(corruption: str) -> bool:
    """Whether a table may speak of a corruption: one of the 15 + 4, or a plug-in's."""
    return corruption in ALL or (
        corruption.startswith(PLUGIN) and corruption.removeprefix(PLUGIN).isidentifier()
    )


def in_order(corruptions: Iterable[str]) -> tuple[str, ...]:
    """Return known corruptions, each once, in the order of the benchmark, plug-ins last and by name."""
    present = set(corruptions)
    return (*(name for name in ALL if name in present), *sorted(present.difference(ALL)))
