"""Is this training done already? A file that is there says of itself which training it came of."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from ppbench.errors import InputError
from ppbench.models.reading import read
from ppbench.models.storage import BITS_KEY, Bits
from ppbench.training.identity import difference


def finished(file: Path, identity: Mapping[str, Any], *, bits: Bits) -> dict[str, Any] | None:
    """Return what the file of a training says of itself; None if there is no file yet.

    Hours of another training are not replaced in silence, and those of this one are not repeated.

    Args:
        file: where the training's network is written.
        identity: what makes it this training.
        bits: of its stored kernels' numbers.

    Raises:
        InputError: there is a file, of another training or of none that ppbench did.
    """
    if not file.exists():
        return None
    found = read(file)
    other = difference(identity, found.metadata)
    halved = any(tensor.dtype == torch.float16 for tensor in found.content.values())
    stored = found.metadata.get(BITS_KEY, 16 if halved else 32)  # files of before said nothing of it
    if other is None and bits != stored:
        other = f"kernels of {bits} bits, got them in {stored}"
    if other is not None:
        raise InputError(
            f"{file}: expected no file, or one of a training with {other}: choose another --out, or replace it with "
            "--fresh"
        )
    return found.metadata
