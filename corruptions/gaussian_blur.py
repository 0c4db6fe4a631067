"""gaussian_blur: an isotropic Gaussian with replicated edges."""

import torch
import torch.nn.functional as F
from torch import Tensor

from corruptions.convolution import (
    CACHED,
    ON_GPU,
    gaussian_weights,
    paired_sums,
    reference_sums,
    smoothing_matrix,
)
from corruptions.definition import Constants, Corruption, Fields
from corruptions.pixels import between, shares_of, truncated


def _apply(images: Tensor, constants: Constants, fields: Fields) -> Tensor:  # noqa: ARG001 - one signature for all
    return gaussian_blur(images, constants["sigma"])


def gaussian_blur(images: Tensor, sigma: float) -> Tensor:
    """Return uint8 images (N,3,H,W) blurred by a Gaussian with replicated edges, cut off to uint8.

    In float64 and in SciPy's order, operation by operation, so that every tie falls as in the reference.
    """
    if len(gaussian_weights(sigma)) == 1:
        return images
    height, width = images.shape[-2:]
    planes = images.reshape(-1, height, width)
    # A few planes at a time stay in the cache of a core, where their taps are added up several times as fast.
    together = max(1, (CACHED if images.device.type == "cpu" else ON_GPU) // (height * width))
    if images.device.type == "cpu" and len(gaussian_weights(sigma)) > _AT_ONCE:
        return near_levels_redone(planes, sigma, together).view_as(images)
    return torch.cat([exactly(some, sigma) for some in torch.split(planes, together)]).view_as(images)


def exactly(planes: Tensor, sigma: float) -> Tensor:
    """Return planes uint8 (n,H,W) blurred, by the reference's own operations."""
    levels = shares_of(torch.arange(256, device=planes.device))
    shares = levels.index_select(0, planes.flatten().to(torch.int32)).view(planes.shape)
    weights = gaussian_weights(sigma)
    exact = reference_sums(reference_sums(shares, weights, -2), weights, -1)
    return truncated(exact.clamp_(0.0, 1.0).mul_(255.0))


_AT_ONCE, _SHIFTED = 5, 17
"""Up to so few taps a CPU is as fast by exact sums, and up to so many it is faster by float32 sums than by a matrix."""


def near_levels_redone(planes: Tensor, sigma: float, together: int) -> Tensor:
    """Return what `exactly` does, by a fast pass and `exactly`'s own operations where that cannot tell.

    So many planes at a time are worked on.

    With t taps, none of them negative, and u half a step of the fast pass's precision, a pass along one dimension
    rounds its weights once, its products and its up to t sums: both passes are off by (2 t + 4) u of the value at
    most. The reference is off by (2 t + 6) 2**-53, and four more u cover the two bounds themselves and products of the
    errors. Where both bounds are cut off to the same level, so is the reference's value, which lies between them.
    """
    weights = gaussian_weights(sigma)
    taps, shifted = len(weights), len(weights) <= _SHIFTED
    slack = (2 * taps + 8) * (2.0**-24 if shifted else 2.0**-53) + (2 * taps + 6) * 2.0**-53
    blurred = torch.empty_like(planes)
    unsure = []
    for first in range(0, len(planes), together):
        some = planes[first : first + together]
        fast = (
            _shifted(some.to(torch.float32), weights) if shifted else _banded(some.to(torch.float64), sigma)
        )
        levels, again = between(fast * (1.0 - slack), fast * (1.0 + slack))
        if len(again) * taps > some.numel() // 2:
            levels = exactly(some, sigma)  # takes less time than looking up so many windows
        else:
            unsure.append(again.add_(first * planes[0].numel()))
        blurred[first : first + together] = levels
    values = blurred.view(-1)
    for places in torch.split(torch.cat(unsure), max(1, CACHED // taps**2)) if unsure else ():
        values[places] = _redone(planes, places, weights)
    return blurred


def _shifted(levels: Tensor, weights: tuple[float, ...]) -> Tensor:
    """Return the convolution of float32 levels (n,H,W) along both dimensions, a view of longer rows."""
    reach, size = len(weights) // 2, levels.shape
    tall = F.pad(levels[None], (0, 0, reach, reach), mode="replicate")[0]
    down = tall.narrow(1, 0, size[1]) * weights[0]
    for i, weight in enumerate(weights[1:], start=1):
        down.add_(tall.narrow(1, i, size[1]), alpha=weight)
    wide = F.pad(down[None], (reach, reach, 0, 0), mode="replicate")[0]
    # As one line, rows and all: what runs over a row's end is left out of the view.
    line, total = wide.view(-1), torch.empty_like(wide)
    length = len(line) - 2 * reach
    sums = total.view(-1)[:length]
    torch.mul(line[:length], weights[0], out=sums)
    for i, weight in enumerate(weights[1:], start=1):
        sums.add_(line[i : i + length], alpha=weight)
    return total[..., : size[2]]


def _banded(levels: Tensor, sigma: float) -> Tensor:
    """Return the convolution of float64 levels (n,H,W) along both dimensions, as products with banded matrices."""
    reach, (count, height, width) = len(gaussian_weights(sigma)) // 2, levels.shape
    down, along = (
        smoothing_matrix(side, sigma, 4.0, "replicate", levels.dtype, levels.device)
        for side in (height, width)
    )
    tall, wide = torch.empty_like(levels), torch.empty_like(levels)
    for rows, sources in _blocks(height, reach):
        tall[:, rows] = down[rows, sources] @ levels[:, sources]
    flat, into = tall.view(count * height, width), wide.view(count * height, width)
    for columns, sources in _blocks(width, reach):
        into[:, columns] = flat[:, sources] @ along[columns, sources].T
    return wide


def _blocks(size: int, reach: int) -> list[tuple[slice, slice]]:
    """Return blocks of a banded matrix's rows, and the columns in which they are not 0."""
    starts = range(0, size, _BLOCK)
    return [(slice(i, i + _BLOCK), slice(max(0, i - reach), i + _BLOCK + reach)) for i in starts]


_BLOCK = 32


def _redone(planes: Tensor, places: Tensor, weights: tuple[float, ...]) -> Tensor:
    """Return what `exactly` makes of some values, uint8 (k,), of planes (n,H,W) at these flat places."""
    _, height, width = planes.shape
    line, column = places // width, places % width
    plane, row = line // height, line % height
    steps = torch.arange(len(weights)) - len(weights) // 2
    rows = (row[:, None] + steps).clamp_(0, height - 1) + plane[:, None] * height
    columns = (column[:, None] + steps).clamp_(0, width - 1)
    sources = (rows.int() * width)[:, :, None] + columns.int()[:, None]
    found = planes.reshape(-1).index_select(0, sources.view(-1)).view(sources.shape)
    shares = found.to(torch.float64).div_(255.0)
    exact = paired_sums(paired_sums(shares, weights, 1, 1), weights, 2, 1).view(-1)
    return truncated(exact.clamp_(0.0, 1.0).mul_(255.0))


GAUSSIAN_BLUR = Corruption("gaussian_blur", "extra", 3, _apply)
