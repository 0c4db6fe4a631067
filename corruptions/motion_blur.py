"""motion_blur: a one-sided Gaussian along a random direction, as ImageMagick's motion blur."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from corruptions.definition import Constants, Corruption, Fields
from corruptions.pixels import truncated_exactly
from corruptions.random import Random


def _draw(images: Tensor, constants: Constants, random: Random) -> Fields:  # noqa: ARG001 - one signature for all
    """Draw the direction in degrees, in [-45, 45)."""
    return {"angle": random.uniform("angle", low=-45.0, high=45.0)}


def _apply(images: Tensor, constants: Constants, fields: Fields) -> Tensor:
    """Apply the field angle: degrees, (N,)."""
    return motion_blur(images, fields["angle"], int(constants["radius"]), constants["sigma"])


_HALF = 0.5 / 257.0
"""Levels: ImageMagick works on 16 bits, 257 to a level; it rounds to these and then cuts off to whole levels."""
_DOUBT = 2.0**-11
"""Levels: 41 products of up to 255 added up in single precision are off by 2**-17 for each sum, or less."""


def motion_blur(images: Tensor, angle: Tensor, radius: int, sigma: float) -> Tensor:
    """Return images smeared along a line, with replicated edges, as ImageMagick 6 does with 16 bits.

    Tap i of 2 radius + 1 looks i pixels ahead along the line, at the nearest pixel, with a weight proportional to
    exp(-i**2 / 2 sigma**2).
    Images whose line has the same offset at tap i are shifted together: sorted by angle, they are neighbours.

    Args:
        images: uint8 (N,C,H,W).
        angle: direction, degrees, (N,).
        radius: pixels, up to 20.
        sigma: pixels.

    Returns:
        uint8 (N,C,H,W).
    """
    if not len(images):
        return images
    count, channels, height, width = images.shape
    weights = _one_sided_gaussian(radius, sigma)
    order = angle.argsort() if count > 1 else torch.zeros(1, dtype=torch.int64, device=images.device)
    paths = [_path(a, len(weights)) for a in angle.double()[order].tolist()]
    rows, columns = zip(*(offset for path in paths for offset in path), strict=True)
    top, left = max(0, -min(rows)), max(0, -min(columns))
    bottom, right = max(0, *rows), max(0, *columns)
    padded = F.pad(images[order].float(), (left, right, top, bottom), mode="replicate")
    total = torch.full(images.shape, _HALF, dtype=torch.float32, device=images.device)
    for i, weight in enumerate(weights):
        offsets = [path[i] for path in paths]
        for start, stop in _runs(offsets):
            row, column = offsets[start][0] + top, offsets[start][1] + left
            view = padded[start:stop, :, row : row + height, column : column + width]
            total[start:stop].add_(view, alpha=weight)
    # Of the padded picture's pixels, what tap i adds to the place of the first.
    path = torch.tensor(paths, device=images.device).add_(torch.tensor((top, left), device=images.device))
    steps = path[..., 0] * padded.shape[3] + path[..., 1]
    taps = torch.tensor(weights, dtype=torch.float64, device=images.device)

    def exactly(where: Tensor) -> Tensor:
        column, rest = where % width, where // width
        row, plane = rest % height, rest // height
        first = (plane * padded.shape[2] + row) * padded.shape[3] + column
        pixels = padded.flatten()[first[:, None] + steps[plane // channels]].to(torch.float64)
        sums = pixels.mul_(257.0).mul_(taps).cumsum(1)[:, -1]
        return sums.add_(0.5).to(torch.int32).div(257, rounding_mode="floor").to(torch.float64)

    blurred = truncated_exactly(total, _DOUBT, exactly)
    if count == 1:
        return blurred
    restored = torch.empty_like(blurred)
    restored[order] = blurred
    return restored


def _one_sided_gaussian(radius: int, sigma: float) -> list[float]:
    weights = [math.exp(-(i * i) / (2.0 * sigma * sigma)) for i in range(2 * radius + 1)]
    total = math.fsum(weights)
    return [w / total for w in weights]


def _path(angle: float, taps: int) -> list[tuple[int, int]]:
    """Return (rows down, columns right) of each tap: a half is rounded towards the start of the line."""
    down, right = math.sin(math.radians(angle)), math.cos(math.radians(angle))
    return [(math.ceil(i * down - 0.5), math.ceil(i * right - 0.5)) for i in range(taps)]


def _runs(offsets: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return the ranges [start, stop) over which consecutive offsets are equal."""
    edges = [i for i in range(1, len(offsets)) if offsets[i] != offsets[i - 1]]
    return list(zip([0, *edges], [*edges, len(offsets)], strict=True))


MOTION_BLUR = Corruption("motion_blur", "blur", 2, _apply, _draw)
