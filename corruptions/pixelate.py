"""Pixelate: shrink with a box filter, enlarge again; Pillow's arithmetic, to the bit."""

import math
from functools import lru_cache

import torch
from torch import Tensor

from corruptions.registry import Constants, Corruption, Fields

_PRECISION = 22  # bits of Pillow's fixed-point weights


def _apply(images: Tensor, constants: Constants, fields: Fields) -> Tensor:  # noqa: ARG001 - one signature
    height, width = images.shape[2:]
    small = int(height * constants["factor"]), int(width * constants["factor"])
    # Pillow goes along the rows first, and rounds to 8 bits in between.
    shrunk = _box(_box(images, 3, small[1]), 2, small[0])
    return _repeat(_repeat(shrunk, 3, width), 2, height)


def _box(images: Tensor, dim: int, size: int) -> Tensor:
    """Return images with one dimension shrunk: an output is the mean of the pixels it covers."""
    first, taps = _windows(images.shape[dim], size, images.device)
    fewest, most = taps
    total = images.to(torch.int16)
    length = images.shape[dim]
    # Means of windows of every length at every place are cheap; only the wanted ones are then picked.
    means = []
    for count in range(1, most + 1):
        if count > 1:
            total = total.narrow(dim, 0, length - count + 1) + images.narrow(
                dim, count - 1, length - count + 1
            )
        if count >= fewest:
            means.append(_rounded(total, count))
    return torch.cat(means, dim).index_select(dim, first)


def _rounded(total: Tensor, count: int) -> Tensor:
    if count == 1:
        return total.to(torch.uint8)
    # total * weight + half exceeds 32 bits only beyond 8 taps.
    weight = round(2.0**_PRECISION / count)
    wide = total.to(torch.int32 if count <= 8 else torch.int64)
    return wide.mul_(weight).add_(1 << (_PRECISION - 1)).bitwise_right_shift_(_PRECISION).to(torch.uint8)


@lru_cache(maxsize=64)
def _windows(length: int, size: int, device: torch.device) -> tuple[Tensor, tuple[int, int]]:
    """Return where in the concatenated means each output's window is, and the shortest and longest window."""
    scale = length / size
    starts, counts = [], []
    for i in range(size):
        centre = (i + 0.5) * scale
        low = max(0, int(centre - scale / 2 + 0.5))
        high = min(length, int(centre + scale / 2 + 0.5))
        # Pillow's box is open on the left and closed on the right.
        covered = [x for x in range(low, high) if -0.5 < (x - centre + 0.5) / scale <= 0.5]
        starts.append(covered[0])
        counts.append(len(covered))
    fewest, most = min(counts), max(counts)
    offsets, offset = {}, 0
    for count in range(fewest, most + 1):
        offsets[count] = offset
        offset += length - count + 1
    index = [start + offsets[count] for start, count in zip(starts, counts, strict=True)]
    return torch.tensor(index, device=device), (fewest, most)


def _repeat(images: Tensor, dim: int, size: int) -> Tensor:
    return images.index_select(dim, _nearest(images.shape[dim], size, images.device))


@lru_cache(maxsize=64)
def _nearest(length: int, size: int, device: torch.device) -> Tensor:
    scale = length / size
    return torch.tensor([min(length - 1, math.floor((i + 0.5) * scale)) for i in range(size)], device=device)


PIXELATE = Corruption("pixelate", "digital", version=1, apply=_apply)
