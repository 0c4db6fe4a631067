"""motion_blur: a one-sided Gaussian along a random direction, as ImageMagick's motion blur."""

import math

import torch
from torch import Tensor

from corruptions.convolution import NUDGE
from corruptions.definition import Constants, Corruption, Fields
from corruptions.pixels import truncated
from corruptions.random import Random


def _draw(images: Tensor, constants: Constants, random: Random) -> Fields:  # noqa: ARG001 - one signature for all
    """Draw the direction in degrees, in [-45, 45)."""
    return {"angle": random.uniform("angle", low=-45.0, high=45.0)}


def _apply(images: Tensor, constants: Constants, fields: Fields) -> Tensor:
    """Apply the field angle: degrees, (N,)."""
    blurred = motion_blur(images.float(), fields["angle"], int(constants["radius"]), constants["sigma"])
    return truncated(blurred)


def motion_blur(images: Tensor, angle: Tensor, radius: int, sigma: float) -> Tensor:
    """Return images smeared along a line, with replicated edges, cut off to whole levels.

    Tap i of 2 radius + 1 looks i pixels ahead along the line, at the nearest pixel, with a weight proportional to
    exp(-i**2 / 2 sigma**2).
    Images whose line has the same offset at tap i are shifted together: sorted by angle, they are neighbours.

    Args:
        images: float32 (N,C,H,W), whole levels 0..255.
        angle: direction, degrees, (N,).
        radius: pixels.
        sigma: pixels.

    Returns:
        float32 (N,C,H,W).
    """
    if not len(images):
        return images
    count, _, height, width = images.shape
    weights = _one_sided_gaussian(radius, sigma)
    order = angle.argsort().tolist() if len(angle) > 1 else [0]
    paths = [_path(a, 2 * radius + 1) for a in angle.double().cpu().tolist()]
    by = [[paths[k][i] for k in order] for i in range(len(weights))]
    rows, columns = zip(*(offset for path in paths for offset in path), strict=True)
    top, left = max(0, -min(rows)), max(0, -min(columns))
    bottom, right = max(0, *rows), max(0, *columns)
    sorted_ = images if count == 1 else images[torch.tensor(order, device=images.device)]
    padded = torch.nn.functional.pad(sorted_, (left, right, top, bottom), mode="replicate")
    blurred = torch.full_like(images, NUDGE)
    for weight, offsets in zip(weights, by, strict=True):
        for start, stop in _runs(offsets):
            row, column = offsets[start][0] + top, offsets[start][1] + left
            view = padded[start:stop, :, row : row + height, column : column + width]
            blurred[start:stop].add_(view, alpha=weight)
    blurred.floor_()
    if count == 1:
        return blurred
    restored = torch.empty_like(blurred)
    restored[torch.tensor(order, device=images.device)] = blurred
    return restored


def _one_sided_gaussian(radius: int, sigma: float) -> list[float]:
    weights = [math.exp(-((i / sigma) ** 2) / 2.0) for i in range(2 * radius + 1)]
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


MOTION_BLUR = Corruption("motion_blur", "blur", 1, _apply, _draw)
