"""Changes of colour: brightness, saturate (both through HSV in the reference) and contrast."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from corruptions.definition import Constants, Corruption, Fields
from corruptions.pixels import divided, shares_of


def _brightness(images: Tensor, constants: Constants, fields: Fields) -> Tensor:  # noqa: ARG001 - one signature
    """Raise V, keep H and S: every channel keeps its ratio to the largest, on which two levels alone decide.

    All pairs of them are worked out. Where that leaves a tie, the pixel is put through the reference's own operations.
    """
    shift = constants["shift"]
    high = images.amax(1, keepdim=True)
    pair = (high.to(torch.int32) << 8) | images
    found = _raised(shift, images.device).index_select(0, pair.flatten()).view(images.shape)
    out = found.to(torch.uint8)
    n, y, x = _pixels(found < 0) if images.is_cuda else _pixels(torch.from_numpy(np.less(found.numpy(), 0)))
    if len(n):
        out[n, :, y, x] = _exactly(images[n, :, y, x], _Change(1.0, 0.0, shift))
    return out


def _pixels(values: Tensor) -> tuple[Tensor, ...]:
    """Return where any channel of (N,3,H,W) is true: image, row and column, each (k,)."""
    return values.any(1).nonzero(as_tuple=True)


_TIED = 1e-9
"""Levels: so near to a whole one, the reference's roundings decide; they move a result by 1e-12 at most."""


@lru_cache(maxsize=32)
def _raised(shift: float, device: torch.device) -> Tensor:
    """Return what each level becomes beside each largest one, int16 (256 * 256,) by (largest, level); -1 where tied."""
    levels = torch.arange(256, dtype=torch.float64)
    value = (levels / 255.0 + shift).clamp_(0, 1) * 255
    ratio = torch.where(levels > 0, value / levels, 0.0)
    becomes = ratio[:, None] * levels
    table = torch.where((becomes - becomes.round()).abs() < _TIED, -1, becomes.clamp(0, 255).to(torch.int16))
    table[:, 0] = 0  # where the smallest is 0, S is exactly 1, and no channel of 0 becomes more than 1e-12
    table.diagonal().copy_(value)  # the largest becomes the new value itself
    return table.to(torch.int16).flatten().to(device)


def _saturate(images: Tensor, constants: Constants, fields: Fields) -> Tensor:  # noqa: ARG001 - one signature
    """Scale and shift S, keep H and V; grey has no hue, which HSV writes as hue 0: a shift of S turns it into red."""
    return _through_hsv(images, _Change(constants["scale"], constants["shift"], 0.0))


@dataclass(frozen=True)
class _Change:
    """What becomes of saturation and value: S' = clip(S scale + shift), V' = clip(V + raised), all 0..1."""

    scale: float
    shift: float
    raised: float

    def saturation(self, s: Tensor) -> Tensor:
        return s if (self.scale, self.shift) == (1.0, 0.0) else (s * self.scale + self.shift).clamp_(0, 1)

    def value(self, v: Tensor) -> Tensor:
        return (v + self.raised).clamp_(0, 1) if self.raised else v


_NEAR = 1e-3
"""Levels: so near to a whole one, single precision may fall on the other side of it than the reference does."""


def _through_hsv(images: Tensor, change: _Change) -> Tensor:
    """Change saturation and value as scikit-image's float64 arithmetic does, to the last tie, (N,3,H,W) uint8.

    The largest channel of a pixel depends on itself alone and the smallest on these two: both are looked up in exact
    tables. Between them the third lies at the same share of the way as before, which single precision finds fast;
    where that is near a whole level, the pixel is put through the reference's own operations.
    """
    high, low = images.amax(1, keepdim=True), images.amin(1, keepdim=True)
    tables = _tables(change, images.device)
    pair = (high.to(torch.int32) << 8) | low
    index = pair.flatten()
    largest = tables.largest.index_select(0, high.flatten().to(torch.int32)).view(high.shape)
    smallest = tables.smallest.index_select(0, index).view(high.shape)
    start = tables.start.index_select(0, index).view(high.shape)
    slope = tables.slope.index_select(0, index).view(high.shape)
    between = (images - low).to(torch.float32).mul_(slope).add_(start)
    ends = (images == low) | (images == high)
    near = ((between - between.round()).abs_() < _NEAR) & ~ends
    out = torch.where(images == low, smallest, torch.where(images == high, largest, between.to(torch.uint8)))
    out[:, :1] = torch.where(high == low, largest, out[:, :1])
    again = near.any(1).nonzero(as_tuple=True)
    if len(again[0]):
        n, y, x = again
        out[n, :, y, x] = _exactly(images[n, :, y, x], change)
    return out


@dataclass(frozen=True)
class _Tables:
    """What becomes of pixels by their largest level, and by (largest, smallest), flat.

    Attributes:
        largest: uint8 (256,), the largest channel.
        smallest: uint8 (65536,), the smallest channel.
        start: float32 (65536,), the smallest channel before it is cut to a level.
        slope: float32 (65536,), what each level above the smallest adds.
    """

    largest: Tensor
    smallest: Tensor
    start: Tensor
    slope: Tensor


@lru_cache(maxsize=32)
def _tables(change: _Change, device: torch.device) -> _Tables:
    levels = torch.arange(256, dtype=torch.float64) / 255.0
    high, low = levels[:, None], levels[None, :]
    distance = high - low
    saturation = torch.where(distance > 0, distance / high, 0.0)
    value = change.value(levels)[:, None]
    smallest = (value * (1 - change.saturation(saturation))).clamp_(0, 1) * 255
    largest = value.clamp(0, 1) * 255
    slope = torch.where(distance > 0, (largest - smallest) / (distance * 255), 0.0)
    return _Tables(
        largest[:, 0].to(torch.uint8).to(device),
        smallest.to(torch.uint8).flatten().to(device),
        smallest.to(torch.float32).flatten().to(device),
        slope.to(torch.float32).flatten().to(device),
    )


def _exactly(pixels: Tensor, change: _Change) -> Tensor:
    """Return what the reference makes of some pixels, uint8 (n, 3): scikit-image's RGB -> HSV -> RGB in float64."""
    red, green, blue = shares_of(pixels).unbind(1)
    value = torch.maximum(torch.maximum(red, green), blue)
    distance = value - torch.minimum(torch.minimum(red, green), blue)
    # Where two channels are the largest, the later one decides the hue.
    hue = (green - blue) / distance
    hue = torch.where(green == value, 2.0 + (blue - red) / distance, hue)
    hue = torch.where(blue == value, 4.0 + (red - green) / distance, hue)
    hue = divided(hue, 6.0).remainder(1.0)
    grey = distance == 0
    hue = hue.masked_fill(grey, 0.0)
    saturation = change.saturation((distance / value).masked_fill(grey, 0.0))
    value = change.value(value)
    sector = (hue * 6).floor()
    share = hue * 6 - sector
    low = value * (1 - saturation)
    falling = value * (1 - share * saturation)
    rising = value * (1 - (1 - share) * saturation)
    ways = torch.stack(
        [
            torch.stack(channels, 1)
            for channels in (
                (value, rising, low),
                (falling, value, low),
                (low, value, rising),
                (low, falling, value),
                (rising, low, value),
                (value, low, falling),
            )
        ]
    )
    chosen = ways[sector.to(torch.int64) % 6, torch.arange(len(pixels), device=pixels.device)]
    return (chosen.clamp_(0, 1) * 255).to(torch.uint8)


_TIE = 1e-9
"""Levels: so near to a whole one, the order in which a mean is added up decides; it moves results by 1e-12 at most."""


def _contrast(images: Tensor, constants: Constants, fields: Fields) -> Tensor:  # noqa: ARG001 - one signature
    """Draw every channel towards its mean over the image, in the reference's float64, to the last tie.

    Within a channel of an image equal levels become equal levels: 256 of them are worked out, and the pixels look
    theirs up. The mean is taken from the exact sum, and where that leaves a tie, as NumPy adds it up.
    """
    values = images.flatten(2).flatten(0, 1)
    means = divided(values.sum(1, dtype=torch.int64).to(torch.float64), 255.0 * values.shape[1])
    drawn = _drawn(means, constants["factor"])
    ties = ((drawn - drawn.round()).abs_() < _TIE).any(1).nonzero()[:, 0]
    if len(ties):
        drawn[ties] = _drawn(_running_means(values[ties]), constants["factor"])
    becomes = drawn.clamp_(0, 255).to(torch.uint8).flatten()
    own = torch.arange(len(values), dtype=torch.int32, device=images.device).mul_(256)
    return becomes.index_select(0, values.to(torch.int32).add_(own[:, None]).flatten()).view(images.shape)


def _drawn(means: Tensor, factor: float) -> Tensor:
    """Return what each level 0..255 becomes by each mean (n,) of 0..1, in levels, float64 (n, 256)."""
    levels = shares_of(torch.arange(256, device=means.device))
    return (levels - means[:, None]).mul_(factor).add_(means[:, None]).clamp_(0, 1).mul_(255)


def _running_means(values: Tensor) -> Tensor:
    """Return the means of rows of levels, uint8 (n, M), over 255, as NumPy adds them: one after the other.

    A GPU adds in another order: the few rows are brought to where the order is kept.
    """
    shares = values.cpu().to(torch.float64).div_(255.0)
    return (shares.cumsum(1)[:, -1] / shares.shape[1]).to(values.device)


BRIGHTNESS = Corruption("brightness", "weather", version=2, apply=_brightness)
CONTRAST = Corruption("contrast", "digital", version=2, apply=_contrast)
SATURATE = Corruption("saturate", "extra", version=2, apply=_saturate)
