"""defocus_blur: convolution with a disk whose edge is slightly softened."""

import math
from functools import lru_cache

import torch
import torch.nn.functional as F
from torch import Tensor

from corruptions.convolution import NUDGE, to_uint8
from corruptions.registry import Constants, Corruption, Fields


def _apply(images: Tensor, constants: Constants, fields: Fields) -> Tensor:  # noqa: ARG001 - one signature for all
    kernel = disk_kernel(constants["radius"], constants["alias_blur"]).to(images.device)
    height, width = images.shape[-2:]
    reach = len(kernel) // 2
    if reach <= 2:
        # Few weights, often a fifth or a ninth each: the sums are whole levels but for float64's last bits.
        levels = F.pad(images.double(), (reach, reach, reach, reach), mode="reflect")
        total = torch.zeros_like(images, dtype=torch.float64)
        for row, weights in enumerate(kernel.tolist()):
            for column, weight in enumerate(weights):
                if weight:
                    total.add_(levels[..., row : row + height, column : column + width], alpha=weight)
        return to_uint8(total.add_(_nudge(kernel)*1e-5))
    levels = F.pad(images.float(), (reach, reach, reach, reach), mode="reflect")
    out = F.conv2d(levels.view(-1, 1, *levels.shape[-2:]), kernel[None, None].float())
    return to_uint8(out.view_as(images).add_(_nudge(kernel)))


def _nudge(kernel):
    return NUDGE if float(kernel.float().double().sum()) >= 1 else -NUDGE


@lru_cache(maxsize=32)
def disk_kernel(radius: float, alias_blur: float) -> Tensor:
    """Return the kernel, float64 (2k + 1, 2k + 1), cropped to where its weights matter.

    A disk of ones on a grid of 17 x 17 pixels, or 2 radius + 1 if the radius is above 8, divided by its sum, then a
    Gaussian of 3 x 3 (5 x 5 above 8) taps and sigma `alias_blur`. The grid's border is reflected for that last
    step (OpenCV's default), so that a disk that touches it is softened inwards only: kept.
    """
    half = 8 if radius <= 8 else int(radius)
    taps = 3 if radius <= 8 else 5
    axis = torch.arange(-half, half + 1)
    disk = (axis[:, None] ** 2 + axis**2 <= radius**2).float()
    disk /= disk.sum()
    weights = [math.exp(-0.5 * (i / alias_blur) ** 2) for i in range(-(taps // 2), taps // 2 + 1)]
    line = torch.tensor(weights, dtype=torch.float64).div_(math.fsum(weights)).float()
    border = taps // 2
    padded = F.pad(disk[None, None], (border, border, border, border), mode="reflect")
    kernel = F.conv2d(F.conv2d(padded, line.view(1, 1, 1, -1)), line.view(1, 1, -1, 1))[0, 0]
    reach = int((kernel > 1e-9).nonzero().sub(half).abs().max())
    return kernel[half - reach : half + reach + 1, half - reach : half + reach + 1].double()


DEFOCUS_BLUR = Corruption("defocus_blur", "blur", 1, _apply)
