"""zoom_blur: the mean of the image and of ever stronger zooms into its centre."""

import math
from functools import lru_cache

import torch
import torch.nn.functional as F
from torch import Tensor

from corruptions.convolution import NUDGE, to_uint8
from corruptions.registry import Constants, Corruption, Fields


def _apply(images: Tensor, constants: Constants, fields: Fields) -> Tensor:  # noqa: ARG001 - one signature for all
    count, channels, height, width = images.shape
    # Channels last with the batch among the channels: one row of memory holds the same pixel of all images, so
    # that the interpolation is vectorised over it.
    levels = images.view(1, count * channels, height, width).float().contiguous(memory_format=torch.channels_last)
    factors = zoom_factors(constants["stop"], constants["step"])
    total = levels.clone()
    for factor in factors:
        total += zoom_centre(levels, factor)
    total = total.mul_(1.0 / (len(factors) + 1)).add_(NUDGE)
    return to_uint8(total).contiguous().view_as(images)


def zoom_factors(stop: float, step: float) -> list[float]:
    """Return numpy.arange(1, stop, step), whose float rounding sometimes includes the end: kept, with its count."""
    count = math.ceil((stop - 1.0) / step)
    delta = (1.0 + step) - 1.0
    return [1.0 + i * delta for i in range(count)]


def zoom_centre(images: Tensor, factor: float) -> Tensor:
    """Return the centre of images (N,C,H,W), magnified bilinearly to the full size, corners aligned.

    Each dimension on its own: a centre of ceil(size / factor) pixels is magnified to round(centre * factor), as
    scipy.ndimage.zoom does, and what exceeds the size is trimmed.
    """
    (top, cut_h, out_h), (left, cut_w, out_w) = (_window(size, factor) for size in images.shape[-2:])
    height, width = images.shape[-2:]
    if (out_h, out_w) == (cut_h, cut_w) == (height, width):
        return images
    centre = images[..., top : top + cut_h, left : left + cut_w]
    zoomed = F.interpolate(centre, (out_h, out_w), mode="bilinear", align_corners=True)
    trim_h, trim_w = (out_h - height) // 2, (out_w - width) // 2
    return zoomed[..., trim_h : trim_h + height, trim_w : trim_w + width]


@lru_cache(maxsize=1024)
def _window(size: int, factor: float) -> tuple[int, int, int]:
    """Return where the centre starts, its size, and its size once magnified."""
    cut = math.ceil(size / factor)
    return (size - cut) // 2, cut, round(cut * factor)


ZOOM_BLUR = Corruption("zoom_blur", "blur", 1, _apply)
