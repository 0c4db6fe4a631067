"""The corruptions that scores speak of: 15 of the benchmark, 4 extra, and the groups tables show them in."""

import re
from collections.abc import Iterable
from difflib import SequenceMatcher
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


OTHER: Final = "other:"
"""What the name of a corruption of a published set begins with that is none of the 15 + 4, as fog_3d of 3DCC."""

_OTHER_NAME = re.compile(r"[\w.+-]+", re.ASCII)
_SYNONYMS: Final = {
    "elastic": "elastic_transform",
    "frosted_glass_blur": "glass_blur",
    "jpeg": "jpeg_compression",
}
"""What other collections call corruptions of the benchmark (TensorFlow Datasets has the first two)."""


def is_known(corruption: str) -> bool:
    """Whether a table may speak of a corruption: one of the 15 + 4, a plug-in's, or one of a published set's own."""
    if corruption.startswith(PLUGIN):
        return corruption.removeprefix(PLUGIN).isidentifier()
    if corruption.startswith(OTHER):
        return is_other_name(corruption.removeprefix(OTHER))
    return corruption in ALL


def is_other_name(name: str) -> bool:
    """Whether a corruption of a published set's own may be called so: letters, digits, ``_ . + -``; no name of ours."""
    return _OTHER_NAME.fullmatch(name) is not None and name not in ALL


def taken_for(name: str) -> str | None:
    """Return the corruption of the benchmark that a name outside of it is probably meant to be, if there is one.

    ``gausian_noise`` and ``GaussianNoise`` are; ``fog_3d`` and ``z_motion_blur``, which have a word more, are others.

    Args:
        name: that is none of the 15 + 4.
    """
    plain = name.lower().replace("-", "_")
    if plain in _SYNONYMS:
        return _SYNONYMS[plain]
    words = plain.split("_")
    for known in ALL:
        own = known.split("_")
        if plain.replace("_", "") == known.replace("_", ""):
            return known
        if len(own) == len(words) and all(map(_alike, own, words)):
            return known
    return None


def _alike(word: str, other: str) -> bool:
    """Whether two words differ by a slip of the fingers: of four letters, one; of three, none."""
    return SequenceMatcher(None, word, other, autojunk=False).ratio() >= 0.75 and word[:1] == other[:1]


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
    """Return known corruptions, each once, in the order of the benchmark; plug-ins and others last and by name."""
    present = set(corruptions)
    return (*(name for name in ALL if name in present), *sorted(present.difference(ALL)))


def in_no_mean(corruptions: Iterable[str]) -> dict[str, list[str]]:
    """Return those that no mean is over, in order, by the title of their kind; only kinds of which there are some."""
    ordered = in_order(corruptions)
    kinds = {
        "extra": [name for name in ordered if name in EXTRA],
        "plug-ins": [name for name in ordered if name.startswith(PLUGIN)],
        "others of this set": [name for name in ordered if name.startswith(OTHER)],
    }
    return {title: names for title, names in kinds.items() if names}
