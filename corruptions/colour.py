"""Changes of colour: brightness, saturate (both through HSV in the reference) and contrast."""

from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from corruptions.definition import Constants, Corruption, Fields
from corruptions.pixels import truncated


def _brightness(images: Tensor, constants: Constants, fields: Fields) -> Tensor:  # noqa: ARG001 - one signature
    """Raise V, keep H and S: all three channels grow by the same factor V' / V; black becomes grey."""
    value = torch.maximum(torch.maximum(images[:, :1], images[:, 1:2]), images[:, 2:])
    factor, black = _brightness_factors(constants["shift"], images.device)
    out = factor.index_select(0, value.flatten().to(torch.int32)).view(value.shape) * images
    return truncated(out.add_((value == 0).to(torch.float32).mul_(black)))


@lru_cache(maxsize=16)
def _brightness_factors(shift: float, device: torch.device) -> tuple[Tensor, float]:
    """Return V' / V for each level V, and V' of level 0."""
    raised = np.clip(np.arange(256) / 255.0 + shift, 0, 1) * 255
    # The largest channel must truncate as in float64: its value is kept a safe step away from the next level.
    level = np.floor(raised)
    safe = level + np.clip(raised - level, 1e-4, 1 - 1e-4)
    factor = np.concatenate([[0.0], safe[1:] / np.arange(1, 256)])
    return torch.from_numpy(factor.astype(np.float32)).to(device), float(safe[0])


def _saturate(images: Tensor, constants: Constants, fields: Fields) -> Tensor:  # noqa: ARG001 - one signature
    """Scale and shift S, keep H and V: every channel's distance from V grows by the factor S' / S."""
    red, green, blue = images[:, :1], images[:, 1:2], images[:, 2:]
    high = torch.maximum(torch.maximum(red, green), blue)
    low = torch.minimum(torch.minimum(red, green), blue)
    pair = high.to(torch.int32).bitwise_left_shift_(8).add_(low)
    factor = _saturate_factors(constants["scale"], constants["shift"], images.device)
    factor = factor.index_select(0, pair.flatten()).view(high.shape)
    value = high.to(torch.float32)
    out = (value - images).mul_(factor).neg_().add_(value)
    if constants["shift"] > 0:
        # A quirk kept: grey has no hue, which HSV writes as hue 0, so that a shift of S turns grey into red.
        red_tint = (high == low).to(torch.float32).mul_(value).mul_(constants["shift"])
        out[:, 1:].sub_(red_tint)
    return truncated(out)


@lru_cache(maxsize=16)
def _saturate_factors(scale: float, shift: float, device: torch.device) -> Tensor:
    """Return S' / S, flat, for each pair of levels (V, smallest channel); 0 for grey."""
    high, low = np.arange(256)[:, None], np.arange(256)[None, :]
    saturation = np.where(high > low, (high - low) / np.maximum(high, 1), 1.0)
    factor = np.where(high > low, np.clip(saturation * scale + shift, 0, 1) / saturation, 0.0)
    return torch.from_numpy(factor.astype(np.float32).ravel()).to(device)


def _contrast(images: Tensor, constants: Constants, fields: Fields) -> Tensor:  # noqa: ARG001 - one signature
    """Draw every channel towards its mean over the image."""
    pixels = images.shape[2] * images.shape[3]
    # A sum of integers is exact in any order; the rest in float64, which truncates as the reference does.
    mean = images.flatten(2).sum(2, dtype=torch.int64).to(torch.float64).div_(pixels)[..., None, None]
    return truncated((images.to(torch.float64) - mean).mul_(constants["factor"]).add_(mean))


BRIGHTNESS = Corruption("brightness", "weather", version=1, apply=_brightness)
CONTRAST = Corruption("contrast", "digital", version=1, apply=_contrast)
SATURATE = Corruption("saturate", "extra", version=1, apply=_saturate)
