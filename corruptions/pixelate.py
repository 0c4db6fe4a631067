"""Pixelate: shrink with a box filter, enlarge again; Pillow's arithmetic, to the bit."""

import math
from functools import lru_cache

import torch
from torch import Tensor

from corruptions.definition import Constants, Corruption, Fields

_PRECISION = 22  # bits of Pillow's fixed-point weights


def _apply(images: Tensor, constants: Constants, fields: Fields) -> Tensor:  # noqa: ARG001 - one signature
    height, width = images.shape[2:]
    small = int(height * constants["factor"]), int(width * constants["factor"])
    planar = images.is_contiguous()
    # Either layout is lines of pixels, and a pixel's next neighbour is so many values further on.
    step = 1 if planar else 3
    lines = (images if planar else images.permute(0, 2, 3, 1)).reshape(-1, width * step, 1)
    # Pillow goes along the rows first, and rounds to 8 bits in between.
    shrunk = _shrunk(lines, width, small[1], step)
    shrunk = _shrunk(shrunk.view(-1, height, small[1] * step), height, small[0], 1)
    wide = _picked(shrunk.view(-1, small[1] * step, 1), _nearest(small[1], width, step, images.device))
    high = _picked(wide.view(-1, small[0], width * step), _nearest(small[0], height, 1, images.device))
    return high.view(images.shape) if planar else high.view(-1, height, width, 3).permute(0, 3, 1, 2)


def _shrunk(values: Tensor, length: int, size: int, step: int) -> Tensor:
    """Return uint8 (A,length*step,B) shrunk along the middle: a value is the mean of those whose centres it covers.

    So many interleaved channels there are in the middle; they are kept apart.
    """
    fewest, most, index, weights = _windows(length, size, step, values.device)
    one = values.to(torch.int16)
    # Sums over windows of these lengths at every place are cheap; only the wanted ones are then picked.
    shape = len(one), most - fewest + 1, length * step, one.shape[2]
    sums = torch.empty(shape, dtype=one.dtype, device=one.device)
    if fewest == 1:
        torch.mul(one, most if weights is None else 1, out=sums[:, 0])
    total = one
    for count in range(2, most + 1):
        places = (length - count + 1) * step
        out = sums[:, count - fewest, :places] if count >= fewest else None
        total = torch.add(total[:, :places], one[:, (count - 1) * step :], out=out)
    wanted = _picked(sums.flatten(1, 2), index)
    if weights is None:
        return wanted.add_(most // 2).bitwise_right_shift_(most.bit_length() - 1).to(torch.uint8)
    # int32 is enough: the weights of 255 levels add up to less than 2**30. Half a level is rounded up.
    wide = wanted.to(torch.int32)
    wide.mul_(weights).add_(1 << (_PRECISION - 1)).bitwise_right_shift_(_PRECISION)
    return wide.to(torch.uint8)


def _picked(values: Tensor, index: Tensor) -> Tensor:
    """Return the values (A,X,B) at these places of the middle."""
    if values.device.type == "cpu":
        # NumPy's is the same and does not slow down where B is 1.
        return torch.from_numpy(values.numpy().take(index.numpy(), axis=1))
    return values.index_select(1, index)


@lru_cache(maxsize=64)
def _windows(
    length: int, size: int, step: int, device: torch.device
) -> tuple[int, int, Tensor, Tensor | None]:
    """Return the shortest and longest window; where among the sums each output's window is; Pillow's weights.

    There are no weights where the longest is a power of 2, and all are as long or a single pixel, taken twice: a shift
    will do.
    """
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
    places = [start + (count - fewest) * length for start, count in zip(starts, counts, strict=True)]
    index = _interleaved(places, step, device)
    if (fewest, most) == (1, 2) or (fewest == most and most & (most - 1) == 0):
        return fewest, most, index, None
    weights = torch.tensor([round(2.0**_PRECISION / count) for count in counts], dtype=torch.int32)
    return (
        fewest,
        most,
        _interleaved(places, step, device),
        weights.repeat_interleave(step)[:, None].to(device),
    )


@lru_cache(maxsize=64)
def _nearest(length: int, size: int, step: int, device: torch.device) -> Tensor:
    places = [min(length - 1, math.floor((i + 0.5) * length / size)) for i in range(size)]
    return _interleaved(places, step, device)


def _interleaved(places: list[int], step: int, device: torch.device) -> Tensor:
    """Return the places of all the channels of the pixels at these places."""
    return (torch.tensor(places)[:, None] * step + torch.arange(step)).flatten().to(device)


PIXELATE = Corruption("pixelate", "digital", version=1, apply=_apply, any_layout=True)
