"""Filtering shared by several corruptions: Gaussian weights, separable convolution."""

import math
from functools import lru_cache

import torch
import torch.nn.functional as F
from torch import Tensor

# The reference works in float64, where a flat region keeps its value and the final truncation its level; float32
# sums may end a few steps of 2**-16 below. This nudge, in levels of 0..255, keeps such values where they belong.
NUDGE = 2.0**-14

# A product with a banded matrix takes about as long as shifted sums of a seventh of the image's size in taps; in
# float64, of a 25th.
_MATRIX_TAPS = 1 / 7
_MATRIX_TAPS_DOUBLE = 1 / 25

CACHED, ON_GPU = 1 << 16, 1 << 26
"""Values that are worked on at a time: so few stay in the cache of a core."""


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


def smooth(images: Tensor, sigma: float, *, truncate: float = 4.0, border: str = "replicate") -> Tensor:
    """Return images smoothed by a Gaussian, as skimage.filters.gaussian does.

    Args:
        images: float32 or float64 (N,C,H,W).
        sigma: standard deviation, pixels.
        truncate: where the kernel ends, in standard deviations.
        border: ``"replicate"`` (a a | a b c) or ``"symmetric"`` (b a | a b c), scipy's nearest and reflect.

    Returns:
        A new tensor, or `images` itself where the kernel has one tap.
    """
    weights = gaussian_weights(sigma, truncate)
    if len(weights) == 1:
        return images
    taps = _MATRIX_TAPS if images.dtype == torch.float32 else _MATRIX_TAPS_DOUBLE
    if len(weights) > taps * min(images.shape[-2:]):
        # On a GPU in float64: the caller may have allowed TF32 for the network, which keeps 10 bits of a product.
        precise = images.double() if images.is_cuda else images
        rows = smoothing_matrix(images.shape[-2], sigma, truncate, border, precise.dtype, images.device)
        columns = smoothing_matrix(images.shape[-1], sigma, truncate, border, precise.dtype, images.device)
        return (rows @ (precise @ columns.T)).to(images.dtype)
    return _shifted_sums(_shifted_sums(images, weights, -2, border), weights, -1, border)


def smooth_in_turn(planes: Tensor, sigma: float) -> Tensor:
    """Return planes float32 (n,H,W) smoothed as by `smooth`, rounded to float32 after either dimension: SciPy's way."""
    weights, smoothed = gaussian_weights(sigma), torch.empty_like(planes)
    together = max(1, (CACHED if planes.device.type == "cpu" else ON_GPU) // planes[0].numel())
    for first in range(0, len(planes), together):
        some = planes[first : first + together]
        for dim in (-2, -1):
            some = reference_sums(some.to(torch.float64), weights, dim).to(torch.float32)
        smoothed[first : first + together] = some
    return smoothed


def reference_sums(planes: Tensor, weights: tuple[float, ...], dim: int) -> Tensor:
    """Return the float64 convolution of (n,H,W) along one dimension, in SciPy's order, without fused multiply-adds.

    The centre first, then the pairs at equal distance, the farthest of them first.
    """
    reach, size = len(weights) // 2, planes.shape[dim]
    return paired_sums(pad(planes[None], reach, dim, "replicate")[0], weights, dim, size)


def paired_sums(padded: Tensor, weights: tuple[float, ...], dim: int, size: int) -> Tensor:
    """Return `reference_sums` of what is padded already: `size` sums along the dimension."""
    reach = len(weights) // 2
    total = padded.narrow(dim, reach, size) * weights[reach]
    pair = torch.empty_like(total)
    for k in range(reach):
        torch.add(padded.narrow(dim, k, size), padded.narrow(dim, 2 * reach - k, size), out=pair)
        total.add_(pair.mul_(weights[k]))
    return total


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
def smoothing_matrix(
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
