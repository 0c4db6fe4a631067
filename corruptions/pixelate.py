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
    shrunk = _shrunk(_shrunk(images, 3, small[1]), 2, small[0])
    return _picked(_picked(shrunk, 3, _nearest(small[1], width)), 2, _nearest(small[0], height))


def _shrunk(images: Tensor, dim: int, size: int) -> Tensor:
    """Return images with one dimension shrunk: an output is the mean of the pixels whose centres it covers."""
    length = images.shape[dim]
    fewest, most, index = _windows(length, size)
    total = images.to(torch.int16)
    # Means of windows of these lengths at every place are cheap; only the wanted ones are then picked.
    means = [_mean(total, 1)] if fewest == 1 else []
    for count in range(2, most + 1):
        places = length - count + 1
        total = total.narrow(dim, 0, places) + images.narrow(dim, count - 1, places)
        if count >= fewest:
            means.append(_mean(total, count))
    return _picked(torch.cat(means, dim) if len(means) > 1 else means[0], dim, index)


def _mean(total: Tensor, count: int) -> Tensor:
    """Return sums of so many levels, int16, divided, rounded to nearest as Pillow does: half up, uint8."""
    if count & (count - 1) == 0:
        return total.add(count // 2).bitwise_right_shift_(count.bit_length() - 1).to(torch.uint8)
    wide = total.to(torch.int32)  # enough: 255 levels times 2**22 are below 2**30
    return (
        wide.mul_(round(2.0**_PRECISION / count))
        .add_(1 << (_PRECISION - 1))
        .bitwise_right_shift_(_PRECISION)
        .to(torch.uint8)
    )


def _picked(images: Tensor, dim: int, index: tuple[int, ...]) -> Tensor:
    """Return the rows (dim 2) or columns (dim 3) of these numbers."""
    if dim == 3 and images.device.type == "cpu":
        # One long list of places takes half the time of a short one for every row.
        lines = images.shape[0] * images.shape[1] * images.shape[2]
        places = _places(index, lines, images.shape[3])
        return images.flatten().index_select(0, places).view(*images.shape[:3], len(index))
    return images.index_select(dim, _on(index, images.device))


@lru_cache(maxsize=64)
def _on(index: tuple[int, ...], device: torch.device) -> Tensor:
    return torch.tensor(index, device=device)


@lru_cache(maxsize=16)
def _places(index: tuple[int, ...], lines: int, length: int) -> Tensor:
    starts = torch.arange(lines, dtype=torch.int32) * length
    return (starts[:, None] + torch.tensor(index, dtype=torch.int32)).flatten()


@lru_cache(maxsize=64)
def _windows(length: int, size: int) -> tuple[int, int, tuple[int, ...]]:
    """Return the shortest and longest window, and where in the concatenated means each output's window is."""
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
    offsets, offset = {}, 0
    for count in range(min(counts), max(counts) + 1):
        offsets[count] = offset
        offset += length - count + 1
    index = (start + offsets[count] for start, count in zip(starts, counts, strict=True))
    return min(counts), max(counts), tuple(index)


@lru_cache(maxsize=64)
def _nearest(length: int, size: int) -> tuple[int, ...]:
    return tuple(min(length - 1, math.floor((i + 0.5) * length / size)) for i in range(size))


PIXELATE = Corruption("pixelate", "digital", version=1, apply=_apply)
