"""The corruptions that scores speak of: 15 of the benchmark, 4 extra, and the groups tables show them in."""

from collections.abc import Iterable
from typing import Final

from corruptions import names
from ppbench.errors import unknown

CORRUPTIONS: Final[tuple[str, ...]] = names.NAMES
"""The 15 corruptions every benchmark mean is over."""

EXTRA: Final[tuple[str, ...]] = names.EXTRA_NAMES
"""The 4 hold-out corruptions: shown apart, in no benchmark mean."""

SEVERITIES: Final[tuple[int, ...]] = names.SEVERITIES

GROUPS: Final[dict[str, tuple[str, ...]]] = {
    group: tuple(name for name in CORRUPTIONS if names.GROUPS[name] == group)
    for group in dict.fromkeys(names.GROUPS[name] for name in CORRUPTIONS)
}
"""The benchmark's groups in the order of its tables (Hendrycks & Dietterich 2019, Table 1)."""

ALL: Final[tuple[str, ...]] = CORRUPTIONS + EXTRA

CLEAN: Final = "clean"
"""What an errors file calls the uncorrupted images; their severity is 0."""

PLUGIN: Final = "plugin:"
"""What the name of a third party's corruption begins with in every table: it is never taken for one of ours."""


def is_known(corruption: str) -> bool:
    """Whether a table may speak of a corruption: one of the 15 + 4, or a plug-in's."""
    return corruption in ALL or (
        corruption.startswith(PLUGIN) and corruption.removeprefix(PLUGIN).isidentifier()
    )


def check_known(corruption: str, measured: Iterable[str] = ()) -> None:
    """Refuse a name that no corruption can have.

    Args:
        corruption: the name.
        measured: what there is besides the 15 + 4, to be suggested.

    Raises:
        InputError: it is none of the 15 + 4 and no plug-in's; the near miss is suggested.
    """
    if not is_known(corruption):
        raise unknown("corruption", corruption, dict.fromkeys((*ALL, *measured)))


def in_order(corruptions: Iterable[str]) -> tuple[str, ...]:
    """Return known corruptions, each once, in the order of the benchmark, plug-ins last and by name."""
    present = set(corruptions)
    return (*(name for name in ALL if name in present), *sorted(present.difference(ALL)))
