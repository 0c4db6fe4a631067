"""Canny's edges and the chamfer distance to them, as OpenCV computes them; spatter draws its drops with both."""

import torch
import torch.nn.functional as F
from torch import Tensor

_TAN_22 = 13573  # tan(22.5 degrees) in 1 / 2**15
# Step lengths of the 5 x 5 chamfer distance, in 1 / 2**16 pixel (Borgefors 1986, as rounded by OpenCV).
_STRAIGHT, _DIAGONAL, _KNIGHT = 65536.0, 91750.0, 143976.0


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

    # Thinning: a pixel stays if it is the largest across the edge. Of equals the first stays, except on diagonals.
    steep = dy.abs() * 32768.0
    flat_limit = dx.abs() * _TAN_22
    horizontal = steep < flat_limit
    vertical = steep > flat_limit + dx.abs() * 65536.0
    across = torch.where(
        horizontal,
        (strength > shifted(0, -1)) & (strength >= shifted(0, 1)),
        torch.where(
            vertical,
            (strength > shifted(-1, 0)) & (strength >= shifted(1, 0)),
            torch.where(
                (dx < 0) != (dy < 0),
                (strength > shifted(-1, 1)) & (strength > shifted(1, -1)),
                (strength > shifted(-1, -1)) & (strength > shifted(1, 1)),
            ),
        ),
    )
    weak = across & (strength > low)
    return _connected(weak & (strength > high), weak)


def _sobel(pictures: Tensor) -> tuple[Tensor, Tensor]:
    """Return the derivatives to the right and down, weights 1 2 1 across, edges replicated: exact in float32."""
    padded = F.pad(pictures[:, None], (1, 1, 1, 1), mode="replicate")[:, 0]
    across = padded[:, :-2] + 2.0 * padded[:, 1:-1] + padded[:, 2:]
    along = padded[:, :, :-2] + 2.0 * padded[:, :, 1:-1] + padded[:, :, 2:]
    return across[:, :, 2:] - across[:, :, :-2], along[:, 2:] - along[:, :-2]


def _connected(strong: Tensor, weak: Tensor) -> Tensor:
    """Return the weak pixels from which a path of weak pixels, eight neighbours each, leads to a strong one."""
    allowed = weak.float()
    edges = strong.float()
    while True:
        grown = edges
        for _ in range(4):
            grown = F.max_pool2d(grown, 3, stride=1, padding=1) * allowed
        if torch.equal(grown, edges):
            return edges.bool()
        edges = grown


def chamfer_distance(edges: Tensor, limit: int) -> Tensor:
    """Return the 5 x 5 chamfer distance to the nearest edge, at most `limit`, pixels, in float32 (N,H,W).

    A shortest path is made of steps in two neighbouring directions, in any order: so the steps of each of the 16
    directions are taken in turn, 1, 2, 4, ... at once. Sums of the fixed-point steps are exact in float32.

    Args:
        edges: bool (N,H,W).
        limit: pixels, up to 128; the distance everywhere in a picture without edges.
    """
    bound = limit * 65536.0
    distance = torch.where(edges, 0.0, bound)
    for rows, columns, step in _DIRECTIONS:
        many = 1
        while many * step < bound:
            _step(distance, many * rows, many * columns, many * step)
            _step(distance, -many * rows, -many * columns, many * step)
            many *= 2
    return distance.mul_(1.0 / 65536.0)


_DIRECTIONS = (
    *((rows, columns, _STRAIGHT) for rows, columns in ((0, 1), (1, 0))),
    *((rows, columns, _DIAGONAL) for rows, columns in ((1, 1), (1, -1))),
    *((rows, columns, _KNIGHT) for rows, columns in ((1, 2), (2, 1), (1, -2), (2, -1))),
)


def _step(distance: Tensor, rows: int, columns: int, cost: float) -> None:
    """Lower each distance to `cost` more than the one `rows` up and `columns` to the left, in place."""
    height, width = distance.shape[1:]
    if abs(rows) >= height or abs(columns) >= width:
        return
    to = distance[:, max(0, rows) : height + min(0, rows), max(0, columns) : width + min(0, columns)]
    of = distance[:, max(0, -rows) : height + min(0, -rows), max(0, -columns) : width + min(0, -columns)]
    torch.minimum(to, of + cost, out=to)
