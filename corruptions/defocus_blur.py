"""defocus_blur: convolution with a disk whose edge is slightly softened."""

import math
from functools import lru_cache

import torch
import torch.nn.functional as F
from torch import Tensor

from corruptions.convolution import to_uint8
from corruptions.definition import Constants, Corruption, Fields

# Kernels of up to this many weights are applied one shift a weight, larger ones by Fourier transform.
_SHIFTS = 32


def _apply(images: Tensor, constants: Constants, fields: Fields) -> Tensor:  # noqa: ARG001 - one signature for all
    kernel = disk_kernel(constants["radius"], constants["alias_blur"])
    # In float64 throughout: the kernel's sum is a little above 1 or below, so that a flat region keeps its level or
    # falls to the one below, as in the reference; between these, no value was seen within 1e-11 of a whole level.
    shares = images.to(torch.float64).div_(255.0)
    if int(kernel.count_nonzero()) > _SHIFTS:
        blurred = _by_fourier(shares, constants["radius"], constants["alias_blur"])
    else:
        blurred = _by_shifts(shares, kernel)
    return to_uint8(blurred.clamp_(0.0, 1.0).mul_(255.0))


def _by_shifts(shares: Tensor, kernel: Tensor) -> Tensor:
    height, width = shares.shape[-2:]
    reach = len(kernel) // 2
    padded = F.pad(shares, (reach, reach, reach, reach), mode="reflect")
    total, part = torch.zeros_like(shares), torch.empty_like(shares)
    for row, column in kernel.nonzero().tolist():
        shifted = padded[..., row : row + height, column : column + width]
        total.add_(torch.mul(shifted, float(kernel[row, column]), out=part))
    return total


def _by_fourier(shares: Tensor, radius: float, alias_blur: float) -> Tensor:
    height, width = shares.shape[-2:]
    reach = len(disk_kernel(radius, alias_blur)) // 2
    rows, columns = (_fast_size(size + 2 * reach) for size in (height, width))
    padded = F.pad(shares, (reach, reach, reach, reach), mode="reflect")
    response = _response(radius, alias_blur, rows, columns, shares.device)
    blurred: Tensor = torch.fft.irfft2(
        torch.fft.rfft2(padded, s=(rows, columns)).mul_(response), s=(rows, columns)
    )
    return blurred[..., reach : reach + height, reach : reach + width]


def _fast_size(size: int) -> int:
    """Return the smallest 2**k, 3 * 2**k or 5 * 2**k from `size` on."""
    return min(odd << max(0, (-(-size // odd) - 1).bit_length()) for odd in (1, 3, 5))


@lru_cache(maxsize=32)
def _response(radius: float, alias_blur: float, rows: int, columns: int, device: torch.device) -> Tensor:
    """Return the kernel's Fourier transform, real as it is symmetric."""
    kernel = disk_kernel(radius, alias_blur)
    reach = len(kernel) // 2
    around = F.pad(kernel, (0, columns - len(kernel), 0, rows - len(kernel))).roll((-reach, -reach), (0, 1))
    response: Tensor = torch.fft.rfft2(around).real.to(device)
    return response


@lru_cache(maxsize=32)
def disk_kernel(radius: float, alias_blur: float) -> Tensor:
    """Return the kernel, float64 (2k + 1, 2k + 1), cropped to where it is not 0.

    A disk of ones on a grid of 17 x 17 pixels, or 2 radius + 1 if the radius is above 8, divided by its sum, then a
    Gaussian of 3 x 3 (5 x 5 above 8) taps and sigma `alias_blur`. The grid's border is reflected for that last
    step (OpenCV's default), so that a disk that touches it is softened inwards only: kept.
    """
    half = 8 if radius <= 8 else int(radius)
    taps = 3 if radius <= 8 else 5
    axis = torch.arange(-half, half + 1)
    disk = (axis[:, None] ** 2 + axis**2 <= radius**2).float()
    disk /= disk.sum()
    kernel = _softened(_softened(disk, alias_blur, taps // 2, 1), alias_blur, taps // 2, 0)
    reach = int(kernel.nonzero().sub(half).abs().max())
    return kernel[half - reach : half + reach + 1, half - reach : half + reach + 1].double()


def _softened(kernel: Tensor, sigma: float, reach: int, dim: int) -> Tensor:
    """Return a float32 kernel blurred along one dimension by fused multiply-adds, as OpenCV computes it.

    The sum of the weights, above 1 or below, depends on these last bits.
    """
    weights = [math.exp(-0.5 * (i / sigma) ** 2) for i in range(reach + 1)]
    total = math.fsum(weights) * 2.0 - weights[0]
    line = torch.tensor([w / total for w in weights], dtype=torch.float64).float()
    size = kernel.shape[dim]
    index = torch.arange(-reach, size + reach).abs()
    padded = kernel.index_select(dim, torch.minimum(index, 2 * (size - 1) - index))
    blurred = padded.narrow(dim, reach, size) * line[0]
    for i in range(1, reach + 1):
        pair = padded.narrow(dim, reach - i, size) + padded.narrow(dim, reach + i, size)
        blurred = (pair.double() * line[i].double() + blurred).float()
    return blurred


DEFOCUS_BLUR = Corruption("defocus_blur", "blur", 2, _apply)
