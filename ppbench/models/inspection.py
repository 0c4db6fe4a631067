"""What `ppbench models inspect` says of one file of weights."""

from pathlib import Path
from typing import Any

from ppbench.atomic import sha256_of
from ppbench.errors import InputError
from ppbench.models.checkpoint import read_weights, recognise
from ppbench.models.index import known_index, with_sha256
from ppbench.models.recognise import unseen


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
