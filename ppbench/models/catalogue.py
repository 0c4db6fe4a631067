"""What `ppbench models` lists: known checkpoints, and networks that can be built; and what one file holds."""

from pathlib import Path
from typing import Any

from ppbench.atomic import sha256_of
from ppbench.errors import InputError
from ppbench.models.checkpoint import read_weights, recognise
from ppbench.models.index import IndexEntry, known_index, with_sha256
from ppbench.models.registry import ARCHITECTURES
from ppbench.models.unseen import unseen


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


def inspect(path: Path, *, trust: bool = False, prefix: str | None = None) -> dict[str, Any]:
    """Return what the loader sees in a file of weights, without running anything of it.

    Keys: ``file``, ``format``, ``bytes``, ``sha256``, ``known_as`` (its id in the index or None), ``architecture``
    (None where it is none of ours or a choice is left; ``undecided`` then says why), ``looks_like``, ``num_classes``,
    ``tensors``, ``values``, ``metadata``, ``hyper_parameters`` (names), ``notes``.

    Args:
        path: the file.
        trust: unpickle whatever it asks for.
        prefix: how the names of the weights begin that are meant; None means all.

    Raises:
        InputError: the file is missing or damaged, is something else, or holds no weights.
    """
    weights = read_weights(path, trust=trust, prefix=prefix)
    sha256 = sha256_of(path)
    entry = with_sha256(known_index(), sha256)
    undecided: str | None = None
    try:
        found, notes = recognise(weights)
        name: str | None = found.name
    except InputError as error:
        name, notes, undecided = None, (), str(error)
    else:
        if entry is None and "architecture" not in weights.raw.metadata and weights.traits is not None:
            notes = (*notes, f"assumed {unseen(found, weights.traits.kernel)}")
    return {
        "file": str(path),
        "format": weights.raw.format,
        "bytes": path.stat().st_size,
        "sha256": sha256,
        "known_as": entry.id if entry else None,
        "architecture": entry.architecture if entry else name,
        "undecided": None if entry else undecided,
        "looks_like": weights.describe(),
        "num_classes": weights.traits.num_classes if weights.traits else None,
        "tensors": len(weights.tensors),
        "values": sum(tensor.numel() for tensor in weights.tensors.values()),
        "metadata": weights.raw.metadata,
        "hyper_parameters": sorted(weights.state.hyper),
        "notes": [*weights.notes, *notes],
    }


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
