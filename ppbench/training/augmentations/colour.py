"""PRIME's colour primitive: each channel through a random smooth curve (Modas et al., ECCV 2022).

A level c becomes c + Σ_k a_k sin(πkc). Rather than so many sines for every pixel, the curve of each image and channel
is evaluated on a fine grid, by matrix products, and pixels are looked up in it.
"""

import math
from functools import lru_cache

import torch
import torch.nn.functional as F
from torch import Tensor

_LEVELS = 255
_FREQUENCIES_A_CELL = 6
_ROWS = 16


def grid_cells(highest: int) -> int:
    """Return the number of cells of the grid over [0, 1] for frequencies up to `highest`.

    A multiple of 255: levels of uint8 images are met exactly. With so many the interpolation is off by
    (πk)² / (8 cells²) of a sine's amplitude, which is below 0.0007 for every frequency k.
    """
    return _LEVELS * math.ceil(highest / _FREQUENCIES_A_CELL)


def recoloured(images: Tensor, coefficients: Tensor, lowest: int = 1) -> Tensor:
    """Return images whose levels went through their curves, clamped to [0, 1].

    Args:
        images: float32 (N,C,H,W) in [0, 1].
        coefficients: float32 (N,C,K), the amplitudes of the sines of frequencies lowest, lowest + 1, …
        lowest: lowest frequency, at least 1, in half periods over [0, 1].
    """
    rows = images.shape[0] * images.shape[1]
    table = curves(coefficients.reshape(rows, -1), lowest)
    cells = table.shape[1] - 1
    place = images.reshape(rows, -1) * cells
    cell = place.long().clamp_(0, cells - 1)
    low, high = table.gather(1, cell), table.gather(1, cell + 1)
    return torch.lerp(low, high, place.sub_(cell)).clamp_(0.0, 1.0).view_as(images)


def curves(coefficients: Tensor, lowest: int) -> Tensor:
    """Return the curves on the grid, not clamped: float32 (R, cells + 1) of coefficients float32 (R,K)."""
    rows, count = coefficients.shape
    # Products of a few rows may be summed in another order: an image's curve must not depend on the rest of the batch.
    coefficients = F.pad(coefficients, (0, 0, 0, -rows % _ROWS))
    cells = grid_cells(lowest + count - 1)
    half = cells // 2 + 1
    sines = _sines(lowest, count, cells, coefficients.device)
    # sin(πk(1 - c)) is sin(πkc) for odd k and -sin(πkc) for even k: half the grid gives the other half.
    odd, even = slice((lowest + 1) % 2, None, 2), slice(lowest % 2, None, 2)
    symmetric = coefficients[:, odd] @ sines[odd]
    antisymmetric = coefficients[:, even] @ sines[even]
    table = torch.empty(len(coefficients), cells + 1, device=coefficients.device)
    table[:, :half] = symmetric + antisymmetric
    table[:, cells + 1 - half :] = (symmetric - antisymmetric).flip(1)
    return table[:rows].add_(torch.linspace(0.0, 1.0, cells + 1, device=coefficients.device))


@lru_cache(maxsize=128)
def _sines(lowest: int, count: int, cells: int, device: torch.device) -> Tensor:
    """Return sin(πkj/cells), frequencies k by points j of the lower half: float32 (K, cells // 2 + 1)."""
    k = torch.arange(lowest, lowest + count)[:, None]
    j = torch.arange(cells // 2 + 1)
    # The remainder first: the angle is exact and small.
    angle = (k * j % (2 * cells)).double() * (math.pi / cells)
    return angle.sin().float().to(device)
