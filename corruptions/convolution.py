"""Filtering shared by several corruptions: Gaussian weights, separable convolution, truncation to uint8."""

import math
from functools import lru_cache

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

# The reference works in float64, where a flat region keeps its value and the final truncation its level; float32
# sums may end a few steps of 2**-16 below. This nudge, in levels of 0..255, keeps such values where they belong.
NUDGE = 2.0**-14

# A product with a banded matrix takes about as long as shifted sums of a seventh of the image's size in taps.
_MATRIX_TAPS = 1 / 7


def to_uint8(values: Tensor) -> Tensor:
    """Return values in 0..255 as uint8, cut off below the point as the reference's cast does, not rounded."""
    return values.clamp_(0.0, 255.0).to(torch.uint8)


@lru_cache(maxsize=256)
def gaussian_weights(sigma: float, truncate: float = 4.0) -> tuple[float, ...]:
    """Return the 2r + 1 normalised weights of a Gaussian cut at r = int(truncate * sigma + 0.5), as scipy's.

    Args:
        sigma: standard deviation, pixels; 0 gives the single weight 1.
        truncate: where the kernel ends, in standard deviations.
    """
    radius = int(truncate * sigma + 0.5)
    if radius == 0:
        return (1.0,)
    # By the C library's exponential, which rounds correctly; NumPy's vectorised one is a bit off on some machines.
    scale = -0.5 / (sigma * sigma)
    weights = [math.exp(scale * (i * i)) for i in range(-radius, radius + 1)]
    total = _numpy_sum(weights)
    return tuple(w / total for w in weights)


def _numpy_sum(values: list[float]) -> float:
    """Return the sum of up to 128 numbers in the order in which NumPy adds them: in eight strands from eight on."""
    whole = len(values) // 8 * 8
    strands = values[:8] if whole else [0.0]
    for i in range(8, whole):
        strands[i % 8] += values[i]
    while len(strands) > 1:
        strands = [strands[i] + strands[i + 1] for i in range(0, len(strands), 2)]
    (total,) = strands
    for value in values[whole:]:
        total += value
    return total


def gaussian_blur(images: Tensor, sigma: float) -> Tensor:
    """Return uint8 images (N,3,H,W) blurred by a Gaussian with replicated edges, cut off to uint8.

    In float64 and in SciPy's order, operation by operation, so that every tie falls as in the reference.
    """
    if len(gaussian_weights(sigma)) == 1:
        return images
    height, width = images.shape[-2:]
    planes = images.reshape(-1, height, width)
    blurred = torch.empty_like(planes)
    on_cpu = images.device.type == "cpu"
    blur = near_levels_redone if on_cpu else exactly
    # A few planes at a time stay in the cache of a core, where their taps are added up several times as fast.
    together = max(1, (_CACHED if on_cpu else _ON_GPU) // (height * width))
    for first in range(0, len(planes), together):
        blurred[first : first + together] = blur(planes[first : first + together], sigma)
    return blurred.view_as(images)


_CACHED, _ON_GPU = 1 << 16, 1 << 26
"""Values that are worked on at a time."""


def exactly(planes: Tensor, sigma: float) -> Tensor:
    """Return planes uint8 (n,H,W) blurred, by the reference's own operations."""
    levels = torch.arange(256, dtype=torch.float64, device=planes.device) / 255.0
    shares = levels.index_select(0, planes.flatten().to(torch.int32)).view(planes.shape)
    weights = gaussian_weights(sigma)
    exact = _reference_sums(_reference_sums(shares, weights, -2), weights, -1)
    return to_uint8(exact.clamp_(0.0, 1.0).mul_(255.0))


def _reference_sums(planes: Tensor, weights: tuple[float, ...], dim: int) -> Tensor:
    """Return the float64 convolution of (n,H,W) along one dimension, in SciPy's order, without fused multiply-adds.

    The centre first, then the pairs at equal distance, the farthest of them first.
    """
    reach, size = len(weights) // 2, planes.shape[dim]
    return _paired(pad(planes[None], reach, dim, "replicate")[0], weights, dim, size)


def _paired(padded: Tensor, weights: tuple[float, ...], dim: int, size: int) -> Tensor:
    reach = len(weights) // 2
    total = padded.narrow(dim, reach, size) * weights[reach]
    pair = torch.empty_like(total)
    for k in range(reach):
        torch.add(padded.narrow(dim, k, size), padded.narrow(dim, 2 * reach - k, size), out=pair)
        total.add_(pair.mul_(weights[k]))
    return total


_SHIFTED = 17
"""Up to so many taps are faster added up in float32 than multiplied as a matrix in float64."""


def near_levels_redone(planes: Tensor, sigma: float) -> Tensor:
    """Return what `exactly` does, by a fast pass and `exactly`'s own operations where that cannot tell.

    With t taps, none of them negative, and u half a step of the fast pass's precision, a pass along one dimension
    rounds its weights once, its products and its up to t sums: both passes are off by (2 t + 4) u of the value at
    most. The reference is off by (2 t + 6) 2**-53, and four more u cover the two bounds themselves and products of the
    errors. Where both bounds are cut off to the same level, so is the reference's value, which lies between them.
    """
    weights = gaussian_weights(sigma)
    taps = len(weights)
    if taps <= _SHIFTED:
        fast = _shifted_lines(planes.to(torch.float32), weights)
        slack = (2 * taps + 8) * 2.0**-24 + (2 * taps + 6) * 2.0**-53
    else:
        fast = _banded(planes.to(torch.float64), sigma)
        slack = (4 * taps + 14) * 2.0**-53
    blurred = torch.mul(fast, 1.0 + slack).to(torch.uint8)
    unsure = fast.mul_(1.0 - slack).to(torch.uint8).ne(blurred)
    # NumPy finds a few among many several times as fast.
    again = torch.from_numpy(np.flatnonzero(unsure.numpy()))
    if len(again) * taps > planes.numel() // 2:
        return exactly(planes, sigma)  # takes less time than looking up so many windows
    values = blurred.view(-1)
    for some in again.split(max(1, _CACHED // taps**2)):
        values[some] = _redone(planes, some, weights)
    return blurred


def _shifted_lines(levels: Tensor, weights: tuple[float, ...]) -> Tensor:
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
        _matrix(side, sigma, 4.0, "replicate", levels.dtype, levels.device) for side in (height, width)
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
    sources = (rows * width)[:, :, None] + columns[:, None]
    shares = planes.reshape(-1)[sources].to(torch.float64).div_(255.0)
    exact = _paired(_paired(shares, weights, 1, 1), weights, 2, 1).view(-1)
    return to_uint8(exact.clamp_(0.0, 1.0).mul_(255.0))


def smooth(images: Tensor, sigma: float, *, truncate: float = 4.0, border: str = "replicate") -> Tensor:
    """Return images smoothed by a Gaussian, as skimage.filters.gaussian does.

    Args:
        images: float32 (N,C,H,W).
        sigma: standard deviation, pixels.
        truncate: where the kernel ends, in standard deviations.
        border: ``"replicate"`` (a a | a b c) or ``"symmetric"`` (b a | a b c), scipy's nearest and reflect.

    Returns:
        A new tensor, or `images` itself where the kernel has one tap.
    """
    weights = gaussian_weights(sigma, truncate)
    if len(weights) == 1:
        return images
    if len(weights) > _MATRIX_TAPS * min(images.shape[-2:]):
        # On a GPU in float64: the caller may have allowed TF32 for the network, which keeps 10 bits of a product.
        precise = images.double() if images.is_cuda else images
        rows = _matrix(images.shape[-2], sigma, truncate, border, precise.dtype, images.device)
        columns = _matrix(images.shape[-1], sigma, truncate, border, precise.dtype, images.device)
        return (rows @ (precise @ columns.T)).to(images.dtype)
    return _shifted_sums(_shifted_sums(images, weights, -2, border), weights, -1, border)


def _shifted_sums(images: Tensor, weights: tuple[float, ...], dim: int, border: str) -> Tensor:
    """Return the convolution along one dimension with an odd, symmetric kernel."""
    size = images.shape[dim]
    padded = pad(images, len(weights) // 2, dim, border)
    total = padded.narrow(dim, 0, size) * weights[0]
    for i, weight in enumerate(weights[1:], start=1):
        total.add_(padded.narrow(dim, i, size), alpha=weight)
    return total


def pad(images: Tensor, by: int, dim: int, border: str) -> Tensor:
    """Return images (N,C,H,W) with `by` more rows (dim -2) or columns (dim -1) on both sides.

    Args:
        images: floating point.
        by: rows or columns; with ``"symmetric"`` at most the image's own.
        dim: -2 or -1.
        border: ``"replicate"`` (a a | a b c) or ``"symmetric"`` (b a | a b c).
    """
    if border == "replicate":
        return F.pad(images, (by, by, 0, 0) if dim == -1 else (0, 0, by, by), mode="replicate")
    before, after = images.narrow(dim, 0, by), images.narrow(dim, images.shape[dim] - by, by)
    return torch.cat((before.flip(dim), images, after.flip(dim)), dim=dim)


@lru_cache(maxsize=64)
def _matrix(
    size: int, sigma: float, truncate: float, border: str, dtype: torch.dtype, device: torch.device
) -> Tensor:
    """Return the smoothing along one dimension, border included, as a matrix (size, size)."""
    weights = torch.tensor(gaussian_weights(sigma, truncate), dtype=torch.float64)
    reach = len(weights) // 2
    source = torch.arange(-reach, size + reach)
    if border == "replicate":
        source.clamp_(0, size - 1)
    else:
        source.remainder_(2 * size)  # the reflected image repeats, however far the kernel reaches
        source = torch.minimum(source, 2 * size - 1 - source)
    matrix = torch.zeros(size, size, dtype=torch.float64)
    matrix.scatter_add_(1, source.unfold(0, len(weights), 1), weights.expand(size, -1))
    return matrix.to(device=device, dtype=dtype)
