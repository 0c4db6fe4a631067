"""Filtering shared by several corruptions: Gaussian weights, separable convolution, truncation to uint8."""

import math
from functools import lru_cache

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
    weights = (
        [1.0]
        if radius == 0
        else [math.exp(-0.5 / (sigma * sigma) * i * i) for i in range(-radius, radius + 1)]
    )
    total = 0.0
    for (
        weight
    ) in weights:  # as scipy's sum does; Python's own compensates since 3.12, and gives another last bit
        total += weight
    return tuple(w / total for w in weights)


def gaussian_blur(images: Tensor, sigma: float) -> Tensor:
    """Return uint8 images (N,3,H,W) blurred by a Gaussian with replicated edges, cut off to uint8.

    Kernels of three taps (sigma below 0.375) leave many values within 2**-14 of a whole level, where the reference's
    float64 rounding decides: these are computed as it computes them, operation by operation. Elsewhere float32 does.
    """
    weights = gaussian_weights(sigma)
    if len(weights) == 1:
        return images
    if len(weights) == 3:
        exact = _reference_sums(_reference_sums(images.double().div_(255.0), weights, -2), weights, -1)
        return to_uint8(exact.clamp_(0.0, 1.0).mul_(255.0))
    return to_uint8(smooth(images.float(), sigma).add_(NUDGE))


def _reference_sums(images: Tensor, weights: tuple[float, ...], dim: int) -> Tensor:
    """Return the float64 convolution along one dimension, in scipy's order and without fused multiply-adds."""
    side, centre, _ = weights
    padded, size = pad(images, 1, dim, "replicate"), images.shape[dim]
    pair = (padded.narrow(dim, 0, size) + padded.narrow(dim, 2, size)).mul_(side)
    return (images * centre).add_(pair)


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
