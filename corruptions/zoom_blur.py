"""zoom_blur: the mean of the image and of ever stronger zooms into its centre."""

import math
from functools import lru_cache

import torch
import torch.nn.functional as F
from torch import Tensor

from corruptions.convolution import to_uint8
from corruptions.definition import Constants, Corruption, Fields


def _apply(images: Tensor, constants: Constants, fields: Fields) -> Tensor:  # noqa: ARG001 - one signature for all
    """Follow the reference to the last tie: SciPy's zooms in float64, stored and added up in float32."""
    height, width = images.shape[-2:]
    factors = zoom_factors(constants["stop"], constants["step"])
    planes = images.reshape(-1, height, width)
    blurred = torch.empty_like(planes)
    # A few planes at a time stay in the cache of a core.
    together = max(1, (_CACHED if images.device.type == "cpu" else _ON_GPU) // (height * width))
    for first in range(0, len(planes), together):
        shares = planes[first : first + together].to(torch.float64).div_(255.0).to(torch.float32)
        exact, total = shares.to(torch.float64), torch.zeros_like(shares)
        for factor in factors:
            total += zoomed_centre(exact, factor).to(torch.float32)
        mean = total.add_(shares).div_(len(factors) + 1)
        blurred[first : first + together] = to_uint8(mean.clamp_(0.0, 1.0).mul_(255.0))
    return blurred.view_as(images)


_CACHED, _ON_GPU = 1 << 16, 1 << 26
"""Values in float64 that are worked on at a time."""


def zoomed_centre(planes: Tensor, factor: float) -> Tensor:
    """Return what `zoom_centre` does of planes, float64 (n,H,W), with SciPy's products in SciPy's order."""
    rows, below, down = _taps(planes.shape[-2], factor, planes.device)
    columns, beside, right = _taps(planes.shape[-1], factor, planes.device)
    upper = planes.index_select(-2, rows).mul_((1.0 - down)[:, None])
    lower = planes.index_select(-2, below).mul_(down[:, None])
    left = 1.0 - right
    total = upper.index_select(-1, columns).mul_(left)
    total += upper.index_select(-1, beside).mul_(right)
    total += lower.index_select(-1, columns).mul_(left)
    total += lower.index_select(-1, beside).mul_(right)
    return total


@lru_cache(maxsize=256)
def _taps(size: int, factor: float, device: torch.device) -> tuple[Tensor, Tensor, Tensor]:
    """Return the two pixels that each output pixel lies between, and the weight of the second, as SciPy has them."""
    start, cut, out = _window(size, factor)
    where = (torch.arange(size, dtype=torch.float64) + (out - size) // 2) * ((cut - 1) / max(out - 1, 1))
    first = where.floor()
    second = (first + 1).clamp_(max=cut - 1)
    return (first.long() + start).to(device), (second.long() + start).to(device), (where - first).to(device)


def zoom_factors(stop: float, step: float) -> list[float]:
    """Return numpy.arange(1, stop, step), whose rounding sometimes includes the end: kept, with its count."""
    count = math.ceil((stop - 1.0) / step)
    delta = (1.0 + step) - 1.0
    return [1.0 + i * delta for i in range(count)]


def zoom_centre(images: Tensor, factor: float) -> Tensor:
    """Return the centre of images (N,C,H,W), magnified bilinearly to the full size, corners aligned.

    Each dimension on its own: a centre of ceil(size / factor) pixels is magnified to round(centre * factor),
    as scipy.ndimage.zoom does, and what exceeds the size is trimmed.
    """
    (top, cut_h, out_h), (left, cut_w, out_w) = (_window(size, factor) for size in images.shape[-2:])
    height, width = images.shape[-2:]
    if (out_h, out_w) == (cut_h, cut_w) == (height, width):
        return images
    centre = images[..., top : top + cut_h, left : left + cut_w]
    zoomed = F.interpolate(centre, (out_h, out_w), mode="bilinear", align_corners=True)
    trim_h, trim_w = (out_h - height) // 2, (out_w - width) // 2
    return zoomed[..., trim_h : trim_h + height, trim_w : trim_w + width]


def _window(size: int, factor: float) -> tuple[int, int, int]:
    """Return where the centre starts, its size, and its size once magnified."""
    cut = math.ceil(size / factor)
    return (size - cut) // 2, cut, round(cut * factor)


ZOOM_BLUR = Corruption("zoom_blur", "blur", 2, _apply)
