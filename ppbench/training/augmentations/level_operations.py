"""AugMix's operations on levels, for batches: Pillow's, as tables of what becomes of each of the 256 levels."""

import torch
from torch import Tensor


def looked_up(images: Tensor, tables: Tensor) -> Tensor:
    """Return uint8 (N,C,H,W): each level replaced by its entry in uint8 (N,C,256)."""
    places = images.flatten(2).long()
    return tables.gather(2, places).view_as(images)


def autocontrast(images: Tensor) -> Tensor:
    """Return the tables, uint8 (N,C,256), that stretch each channel's levels to 0..255, truncated."""
    flat = images.flatten(2)
    low, high = (extreme(2, keepdim=True).double() for extreme in (flat.amin, flat.amax))
    # Division as Pillow divides: a number over a tensor would be the number times the tensor's reciprocal.
    scale = torch.full_like(low, 255.0) / (high - low)
    levels = _levels(images).double()
    stretched = (levels * scale + -low * scale).clamp(0.0, 255.0)
    return torch.where(high > low, stretched, levels).to(torch.uint8)


def equalize(images: Tensor) -> Tensor:
    """Return the tables, uint8 (N,C,256), that spread each channel's levels evenly; a channel of few pixels stays."""
    n, channels = images.shape[:2]
    row = torch.arange(n * channels, device=images.device).mul_(256)
    places = images.flatten(2).long() + row.view(n, channels, 1)
    counts = places.flatten().bincount(minlength=n * channels * 256).view(n, channels, 256)
    # The pixels of the highest level that occurs count for nothing in the width of a step.
    highest = images.flatten(2).amax(2, keepdim=True).long()
    pixels = images.shape[2] * images.shape[3]
    step = (pixels - counts.gather(2, highest)) // 255
    below = counts.cumsum(2) - counts
    spread = ((step // 2 + below) // step.clamp(min=1)).clamp(max=255)
    return torch.where(step > 0, spread, _levels(images)).to(torch.uint8)


def posterize(bits: Tensor) -> Tensor:
    """Return the tables, uint8 (N,1,256), that keep the highest bits, int64 (N), of each level."""
    mask = 256 - 2 ** (8 - bits)
    return (_levels(bits) & mask[:, None, None]).to(torch.uint8)


def solarize(threshold: Tensor) -> Tensor:
    """Return the tables, uint8 (N,1,256), that invert the levels from the threshold, int64 (N), on."""
    levels = _levels(threshold)
    return torch.where(levels < threshold[:, None, None], levels, 255 - levels).to(torch.uint8)


def _levels(like: Tensor) -> Tensor:
    return torch.arange(256, device=like.device)
