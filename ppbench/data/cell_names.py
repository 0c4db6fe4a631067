"""What names of folders, files and columns say of a cell: which corruption, at which severity. Decisions only.

Data sets on the Hugging Face Hub have them in columns (`corruption_name`, `corruption_level`), in a configuration's
folder (`fog_3/`, `fog/3/`), in a split's name (`fog/severity_3-00000-of-00001.parquet`), or in the names inside a tar.
"""

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from corruptions.names import GROUPS

CLEAN = "clean"

CORRUPTION_FIELDS = ("corruption", "corruption_name", "corruption_type")
SEVERITY_FIELDS = ("severity", "corruption_level", "corruption_severity", "level")
"""What columns, and keys of a sample's JSON, are called."""

_CLEAN = {"clean", "none", "original", "identity"}
_PARTS = {"train", "training", "val", "valid", "validation", "test", "testing", "data", "default", "all"}
_GROUPS = {"noise", "blur", "weather", "digital", "extra"}
_SHARD = re.compile(r"([-_.]\d{5,}-of-\d{5,}|[-_.]?\d{2,})$")
_ALONE = re.compile(r"(?:severity|sev|level)[-_ ]?([0-5])", re.IGNORECASE)
_BOTH = re.compile(r"([a-z].*?)[-_ ](?:(severity|sev|level|s)[-_ ]?)?([1-5])", re.IGNORECASE)


class Said(NamedTuple):
    """What is known of a cell so far; None for what nothing says."""

    corruption: str | None = None
    severity: int | None = None

    def or_else(self, other: "Said") -> "Said":
        """Return this, completed by what something of less weight says."""
        return Said(
            other.corruption if self.corruption is None else self.corruption,
            other.severity if self.severity is None else self.severity,
        )

    @property
    def whole(self) -> bool:
        """Whether it names a cell; clean images have no severity."""
        return self.corruption == CLEAN or (self.corruption is not None and self.severity is not None)


def spelled(name: object) -> str | None:
    """Return a corruption's name as the benchmark spells it, ``"JPEG compression"`` as ``"jpeg_compression"``.

    Other names stay as they are; what means no corruption is ``"clean"``, and None or an empty text is None.
    """
    text = "" if name is None else str(name).strip()
    plain = re.sub(r"[\s-]+", "_", text.lower()) if text else ""
    if plain in _CLEAN:
        return CLEAN
    return plain if plain in GROUPS else text.replace(" ", "_") or None


def severity_of(value: object) -> int | None:
    """Return a severity of 0 to 5 from a number or a text, ``"severity_3"`` too; None for anything else."""
    if isinstance(value, bool) or value is None:
        return None
    text = str(value).strip()
    found = _ALONE.fullmatch(text)
    if found is not None:
        return int(found[1])
    try:
        number = float(text)
    except ValueError:
        return None
    return int(number) if number in range(6) else None


def of_fields(corruption: object, severity: object) -> Said:
    """Return what a row's columns say; severity 0 is a clean image."""
    name, number = spelled(corruption), severity_of(severity)
    return Said(CLEAN, 0) if number == 0 or name == CLEAN else Said(name, number)


def of_folders(parts: Iterable[str]) -> Said:
    """Return what folders say, the outermost first: ``fog/3``, ``blur/defocus_blur/1/test``, ``fog_3``."""
    return _of_folders(parts)[0]


def of_path(folders: Sequence[str], stem: str) -> Said:
    """Return what a file's place says: its folders go before its name, in which a number may be that of a shard.

    Args:
        folders: that it is in, the outermost first.
        stem: its name without its ending, as ``fog_3-00000-of-00002``, ``fog-000001`` or ``severity_3``.
    """
    (said, above), own = _of_folders(folders), _of_file(stem)
    if own == Said(None, own.severity) and own.severity is not None:
        own = Said(above, own.severity)  # fog_3d/severity_3-00000-of-00001: that folder is no part of a set
    said = said.or_else(own)
    return Said(CLEAN, 0) if said.corruption == CLEAN else said


def _of_folders(parts: Iterable[str]) -> tuple[Said, str | None]:
    """Return what folders say, and the last of them that may be a corruption of another name."""
    said = Said()
    above: str | None = None
    for part in parts:
        if part in {"1", "2", "3", "4", "5"} or _ALONE.fullmatch(part):
            said = said.or_else(Said(above, severity_of(part)))
        elif spelled(part) in (*GROUPS, CLEAN):
            said = said.or_else(Said(spelled(part)))
        elif both := _both(part):
            said = said.or_else(both)
        elif part.lower() not in _PARTS | _GROUPS:
            above = spelled(part)
    return (Said(CLEAN, 0) if said.corruption == CLEAN else said), above


def _of_file(stem: str) -> Said:
    words = stem
    while (shorter := _SHARD.sub("", words)) != words:
        words = shorter
    for part in _PARTS:
        words = words.removeprefix(f"{part}_").removeprefix(f"{part}-")
    if alone := _ALONE.fullmatch(words):
        return Said(None, int(alone[1]))
    if both := _both(words):
        return both
    return Said(spelled(words)) if spelled(words) in (*GROUPS, CLEAN) else Said()


def _both(word: str) -> Said | None:
    """Return what ``fog_3`` says; of other names than the benchmark's ``rain_severity_3`` does, and not ``part_3``."""
    found = _BOTH.fullmatch(word)
    if found is None or not (
        spelled(found[1]) in GROUPS or (found[2] or "").lower() in ("severity", "level", "sev")
    ):
        return None
    return None if found[1].lower() in _PARTS else Said(spelled(found[1]), int(found[3]))
