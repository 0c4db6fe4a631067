"""What `ppbench models` lists: known checkpoints, and networks that can be built."""

from typing import Any

from ppbench.errors import InputError
from ppbench.models.index import IndexEntry, known_index
from ppbench.models.registry import ARCHITECTURES


def known_checkpoints() -> list[dict[str, Any]]:
    """Return a row for each checkpoint of the index.

    Keys: ``id``, ``architecture``, ``data``, ``shipped`` (its file comes with ppbench), ``own`` (the user added it),
    ``cached`` (it was downloaded),
    ``sha256``, ``clean_error`` (per cent or None), ``num_classes``, ``image_size``, ``file``, ``url``, ``source``.
    """
    return [_row(entry) for entry in known_index()]


def architectures() -> list[dict[str, Any]]:
    """Return a row for each listed network: ``name``, ``family``, ``description``."""
    return [
        {"name": found.name, "family": found.family, "description": found.description}
        for found in ARCHITECTURES.values()
    ]


def architecture_lines() -> list[tuple[str, str]]:
    """Return name and description of each listed network: those with another first layer below the plain one."""
    return [
        (
            found.name,
            found.description.removesuffix(f"; {found.stem.description}")
            if found.name == found.base
            else f"  {found.stem.description}",
        )
        for found in ARCHITECTURES.values()
    ]


def _path(entry: IndexEntry) -> str | None:
    """Return where the file of an entry is or will be; None where there is no place for downloads."""
    try:
        return str(entry.path)
    except InputError:
        return None


def _row(entry: IndexEntry) -> dict[str, Any]:
    return {
        "id": entry.id,
        "architecture": entry.architecture,
        "data": entry.data,
        "shipped": entry.shipped,
        "own": entry.url is None and not entry.shipped,
        "cached": entry.url is not None and entry.there,
        "sha256": entry.sha256,
        "clean_error": entry.clean_error,
        "num_classes": entry.num_classes,
        "image_size": entry.image_size,
        "file": _path(entry),
        "url": entry.url,
        "source": entry.source,
    }
