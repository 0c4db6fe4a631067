"""The reference scripts' own output, as the folder of real data holds it."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt


@cache
def golden(folder: Path, protocol: str) -> Mapping[str, npt.NDArray[np.uint8]]:
    """Return `clean` and one array `<corruption>/<severity>` each, uint8 (N,H,W,3)."""
    with np.load(folder / "golden" / f"{protocol}.npz") as file:
        return dict(file)
