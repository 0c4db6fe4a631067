"""Is this training done already? A file that is there says of itself which training it came of."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from ppbench.errors import InputError
from ppbench.models.reading import read


def finished(file: Path, facts: Mapping[str, Any], *, half: bool) -> dict[str, Any] | None:
    """Return what the file of a training says of itself; None if there is no file yet.

    Hours of another training are not replaced in silence, and those of this one are not repeated.

    Args:
        file: where the training's network is written.
        facts: what makes it this training, as JSON.
        half: whether its kernels are to be stored in half precision.

    Raises:
        InputError: there is a file, of another training or of none that ppbench did.
    """
    if not file.exists():
        return None
    found = read(file)
    wanted = json.loads(json.dumps(dict(facts)))
    other = [key.replace("_", " ") for key in wanted if found.metadata.get(key) != wanted[key]]
    if not other and half != any(tensor.dtype == torch.float16 for tensor in found.content.values()):
        other = ["precision of storage"]
    if other:
        raise InputError(
            f"{file}: expected no file, or one of this training, got one of another {other[0]}: choose another --out, "
            "or replace it with --fresh"
        )
    return found.metadata
