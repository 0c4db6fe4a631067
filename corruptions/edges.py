"""Canny's edges and the chamfer distance to them, as OpenCV computes them; spatter draws its drops with both."""

import torch
import torch.nn.functional as F
from torch import Tensor

_TAN_22 = 13573  # tan(22.5 degrees) in 1 / 2**15
# Step lengths of the 5 x 5 chamfer distance (Borgefors 1986), in ten-thousandths of a pixel: whole numbers, so that
# sums in float32 are exact.
UNIT = 10_000
_STRAIGHT, _DIAGONAL, _KNIGHT = 10_000.0, 14_000.0, 21_969.0
_STEPS_PER_CHECK = 4  # asking whether anything has changed makes the CPU wait for the GPU


def canny(pictures: Tensor, low: int, high: int) -> Tensor:
    """Return the edges of grey pictures (Canny 1986) with L1 gradients: bool (N,H,W).

    Args:
        pictures: whole levels 0..255, float32 (N,H,W).
        low: an edge goes on where the gradient exceeds this.
        high: an edge needs one pixel where the gradient exceeds this.
    """
    dx, dy = _sobel(pictures)
    strength = dx.abs() + dy.abs()
    around = F.pad(strength, (1, 1, 1, 1))  # no gradient outside the picture
    height, width = pictures.shape[1:]

    def shifted(down: int, right: int) -> Tensor:
        return around[:, 1 + down : 1 + down + height, 1 + right : 1 + right + width]

    # Thinning: a pixel stays if it is the largest across the edge. Of equals the first stays; on diagonals none does.
    # Strengths are whole numbers, so that half a level less turns "above" into "not below".
    steep, slant = dy.abs().mul_(32768.0), dx.abs()
    flat = steep < slant * _TAN_22
    upright = steep > slant * (_TAN_22 + 65536.0)
    rising = (dx < 0) ^ (dy < 0)
    beside = torch.maximum(shifted(0, -1), shifted(0, 1) - 0.5)
    above = torch.maximum(shifted(-1, 0), shifted(1, 0) - 0.5)
    up = torch.maximum(shifted(-1, 1), shifted(1, -1))
    down = torch.maximum(shifted(-1, -1), shifted(1, 1))
    limit = torch.where(flat, beside, torch.where(upright, above, torch.where(rising, up, down)))
    weak = strength > limit.clamp_(min=low)
    return _connected(weak & (strength > high), weak)


def _sobel(pictures: Tensor) -> tuple[Tensor, Tensor]:
    """Return the derivatives to the right and down, weights 1 2 1 across, edges replicated: exact in float32."""
    padded = F.pad(pictures[:, None], (1, 1, 1, 1), mode="replicate")[:, 0]
    across = padded[:, :-2] + 2.0 * padded[:, 1:-1] + padded[:, 2:]
    along = padded[:, :, :-2] + 2.0 * padded[:, :, 1:-1] + padded[:, :, 2:]
    return across[:, :, 2:] - across[:, :, :-2], along[:, 2:] - along[:, :-2]


def _connected(strong: Tensor, weak: Tensor) -> Tensor:
    """Return the weak pixels from which a path of weak pixels, eight neighbours each, leads to a strong one."""
    edges = strong
    while True:
        grown = edges
        for _ in range(_STEPS_PER_CHECK):
            grown = _dilated(_dilated(grown, 1), 2).logical_and_(weak)
        if torch.equal(grown, edges):
            return edges
        edges = grown


def _dilated(mask: Tensor, dim: int) -> Tensor:
    """Return the pixels that are set or have a set neighbour along one dimension."""
    grown, size = mask.clone(), mask.shape[dim]
    grown.narrow(dim, 1, size - 1).logical_or_(mask.narrow(dim, 0, size - 1))
    grown.narrow(dim, 0, size - 1).logical_or_(mask.narrow(dim, 1, size - 1))
    return grown


def chamfer_distance(edges: Tensor, limit: int) -> Tensor:
    """Return the 5 x 5 chamfer distance to the nearest edge: whole multiples of 1 / `UNIT` pixel, float32 (N,H,W).

    A shortest path is made of steps in two neighbouring directions, in any order: so the steps of each of the 16
    directions are taken in turn, 1, 2, 4, ... at once.

    Args:
        edges: bool (N,H,W).
        limit: pixels, up to 800; the largest distance, and the one everywhere in a picture without edges.
    """
    bound = float(limit * UNIT)
    distance = edges.logical_not().to(torch.float32).mul_(bound)
    scratch = torch.empty_like(distance)
    for rows, columns, step in _DIRECTIONS:
        many = 1
        while many * step < bound:
            _step(distance, scratch, many * rows, many * columns, many * step)
            _step(distance, scratch, -many * rows, -many * columns, many * step)
            many *= 2
    return distance


_DIRECTIONS = (
    *((rows, columns, _STRAIGHT) for rows, columns in ((0, 1), (1, 0))),
    *((rows, columns, _DIAGONAL) for rows, columns in ((1, 1), (1, -1))),
    *((rows, columns, _KNIGHT) for rows, columns in ((1, 2), (2, 1), (1, -2), (2, -1))),
)


def _step(distance: Tensor, scratch: Tensor, rows: int, columns: int, cost: float) -> None:
    """Lower each distance to `cost` more than the one `rows` up and `columns` to the left, in place."""
    height, width = distance.shape[1:]
    if abs(rows) >= height or abs(columns) >= width:
        return
    to = distance[:, max(0, rows) : height + min(0, rows), max(0, columns) : width + min(0, columns)]
    of = distance[:, max(0, -rows) : height + min(0, -rows), max(0, -columns) : width + min(0, -columns)]
    # All are read before any is written.
    offer = torch.add(of, cost, out=scratch[:, : height - abs(rows), : width - abs(columns)])
    torch.minimum(to, offer, out=to)
