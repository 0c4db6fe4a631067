"""PRIME's colour primitive: each channel through a random smooth curve (Modas et al., ECCV 2022).

A level c becomes c + Σ_k a_k sin(πkc). Rather than so many sines for every pixel, the curve of each image and channel
is evaluated on a fine grid, by matrix products, and pixels are looked up in it.
"""

import math
from functools import lru_cache

import torch
import torch.nn.functional as F
from torch import Tensor

from corruptions.random import Random
from ppbench.training.augmentations import draws

_LEVELS = 255
_FREQUENCIES_A_CELL = 6
_ROWS = 24


def grid_cells(highest: int) -> int:
    """Return the number of cells of the grid over [0, 1] for frequencies up to `highest`.

    A multiple of 255: levels of uint8 images are met exactly. With so many the interpolation is off by
    (πk)² / (8 cells²) of a sine's amplitude, which is below 0.0007 for every frequency k.
    """
    return _LEVELS * math.ceil(highest / _FREQUENCIES_A_CELL)


def draw_amplitudes(
    shared: Random, own: Random, frequencies: int, temperature: float, bandwidth: int | None
) -> tuple[Tensor, int]:
    """Return the amplitudes, float32 (N,3,K), of K neighbouring frequencies, and the lowest of these.

    Args:
        shared: the numbers of the step: which frequencies, and the amplitudes' variance.
        own: the numbers of each image.
        frequencies: the highest frequency is uniform in 1 to so many.
        temperature: the amplitudes' variance is uniform in 0 to so much.
        bandwidth: so many frequencies at most, the lowest of them uniform in 1 to the highest; None for all from 1.
    """
    highest = draws.integer(shared, "highest", 1, frequencies)
    lowest = 1
    if bandwidth is not None:
        lowest = draws.integer(shared, "lowest", 1, highest)
        highest = min(lowest + bandwidth - 1, highest)
    variance = draws.uniform(shared, "temperature", 0.0, temperature)
    return own.normal("amplitudes", 3, highest + 1 - lowest).mul_(math.sqrt(variance)), lowest


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
    cells = grid_cells(lowest + count - 1)
    line = torch.linspace(0.0, 1.0, cells + 1, device=coefficients.device)
    # Rounded up, so that a few tables of sines serve all counts.
    sines = _sines(lowest, count + -count % _FREQUENCIES_A_CELL, cells, coefficients.device)[:count]
    # In blocks of one size: the order of a sum may depend on the size of the product, and an image's curve must not
    # depend on the rest of the batch.
    blocks = F.pad(coefficients, (0, 0, 0, -rows % _ROWS)).view(-1, _ROWS, count)
    table = torch.baddbmm(line, blocks, sines.expand(len(blocks), -1, -1))
    return table.flatten(0, 1)[:rows]


@lru_cache(maxsize=20)
def _sines(lowest: int, count: int, cells: int, device: torch.device) -> Tensor:
    """Return sin(πkj/cells), `count` frequencies k by the points j of the grid: float32 (K, cells + 1)."""
    k = torch.arange(lowest, lowest + count)[:, None]
    j = torch.arange(cells + 1)
    # The remainder first: the angle is exact and small.
    angle = (k * j % (2 * cells)).double() * (math.pi / cells)
    return angle.sin().float().to(device)
