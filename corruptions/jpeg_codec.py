"""The loss of a baseline JPEG at 4:2:0, in torch integer arithmetic, as two libraries have it: IJG's and libjpeg-turbo.

Nothing is entropy-coded, as that loses nothing. What loses is followed to the bit: ITU-T T.81 with libjpeg's "islow"
transform (Loeffler, Ligtenberg and Moschytz 1989, 13-bit constants). The two differ in the chroma, which 4:2:0 halves:
libjpeg-turbo (and IJG's libjpeg up to 6b) averages 2 x 2 pixels and interpolates by a triangle; IJG's libjpeg 9
transforms 16 x 16 pixels and keeps the 8 x 8 lowest frequencies, and its inverse makes 16 x 16 pixels of these. Their
constants of the colour conversion differ in the last bit as well.

All numbers are float64, whole or with some binary places: they stay below 2**53 of the last place, so that products and
sums are exact in any order, and nothing is rounded but where the libraries round.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import torch
from torch import Tensor
from torch.nn.functional import pad

Library = Literal["ijg9", "turbo"]
"""Whose arithmetic: that of IJG's libjpeg 9 (9a to 9d), or of libjpeg-turbo."""

_COLOUR_BITS = 16
_HALF = 1 << (_COLOUR_BITS - 1)
_TRANSFORM_BITS = 13
_KEPT_BITS = 2  # of fraction, between the two passes of a transform

# Values (N x 3 x H x W) worked on at a time on the CPU: their float64 temporaries stay in a core's cache.
_IN_CACHE = 1 << 17

# Quantisation tables of T.81 annex K, row by row: scaled by the quality as libjpeg does.
_LUMINANCE = (
    (16, 11, 10, 16, 24, 40, 51, 61),
    (12, 12, 14, 19, 26, 58, 60, 55),
    (14, 13, 16, 24, 40, 57, 69, 56),
    (14, 17, 22, 29, 51, 87, 80, 62),
    (18, 22, 37, 56, 68, 109, 103, 77),
    (24, 35, 55, 64, 81, 104, 113, 92),
    (49, 64, 78, 87, 103, 121, 120, 101),
    (72, 92, 95, 98, 112, 100, 103, 99),
)
_CHROMINANCE = (
    (17, 18, 24, 47, 99, 99, 99, 99),
    (18, 21, 26, 66, 99, 99, 99, 99),
    (24, 26, 56, 99, 99, 99, 99, 99),
    (47, 66, 99, 99, 99, 99, 99, 99),
    *((99, 99, 99, 99, 99, 99, 99, 99),) * 4,
)

# One pass of the forward transform, times 2**13. Where two entries of a cosine table would be equal, these may differ
# by 1: libjpeg adds up products of rounded constants. The inverse transform's pass is the transposed matrix.
_EVEN = (
    (8192, 8192, 8192, 8192),
    (10703, 4433, -4433, -10703),
    (8192, -8192, -8192, 8192),
    (4433, -10704, 10704, -4433),
)
_ODD = (
    (11363, 9633, 6437, 2260),
    (9633, -2259, -11362, -6436),
    (6437, -11362, 2261, 9633),
    (2260, -6436, 9633, -11363),
)

# The same for blocks of 16 x 16 pixels, of which the 8 lowest frequencies are kept: IJG's libjpeg from version 7 on.
# The first eight of sixteen columns; here the inverse is no transpose, as its products are of other rounded constants.
_EVEN_16 = (
    (8192, 8192, 8192, 8192, 8192, 8192, 8192, 8192),
    (11363, 9633, 6436, 2260, -2260, -6436, -9633, -11363),
    (10703, 4433, -4433, -10703, -10703, -4433, 4433, 10703),
    (9633, -2260, -11363, -6437, 6437, 11363, 2260, -9633),
)
_ODD_16 = (
    (11529, 11086, 10217, 8956, 7350, 5461, 3363, 1135),
    (11086, 7350, 1136, -5461, -10217, -11529, -8956, -3363),
    (10217, 1136, -8955, -11086, -3363, 7350, 11529, 5461),
    (8956, -5461, -11086, 1137, 11530, 3363, -10217, -7350),
)
_INVERSE_16 = (
    (8192, 11529, 11363, 11086, 10703, 10217, 9632, 8956),
    (8192, 11086, 9633, 7350, 4433, 1136, -2260, -5461),
    (8192, 10217, 6437, 1136, -4433, -8955, -11363, -11086),
    (8192, 8956, 2260, -5461, -10703, -11086, -6436, 1137),
    (8192, 7350, -2260, -10217, -10703, -3363, 6436, 11529),
    (8192, 5461, -6437, -11529, -4433, 7349, 11363, 3363),
    (8192, 3363, -9633, -8955, 4433, 11529, 2260, -10217),
    (8192, 1136, -11363, -3363, 10703, 5461, -9632, -7350),
)


@dataclass(frozen=True)
class _Colour:
    """The constants, times 2**16, in which the libraries differ.

    Attributes:
        red_in_blue: the weight of red in the blue chroma, negative.
        green_in_blue: that of green.
        blue_in_green: the weight of the blue chroma in green, negative.
    """

    red_in_blue: int
    green_in_blue: int
    blue_in_green: int


_COLOURS: dict[Library, _Colour] = {
    "ijg9": _Colour(11058, 21710, 22553),  # 0.168735892, 0.331264108, 0.344136286
    "turbo": _Colour(11059, 21709, 22554),  # 0.16874, 0.33126, 0.34414
}


@dataclass(frozen=True)
class Coefficients:
    """What a JPEG file keeps of some images: whole numbers of quantisation steps, float64.

    Attributes:
        luma_levels: (N, rows, 8, columns, 8), by block.
        chroma_levels: (2N, rows, 8, columns, 8), by block of 16 x 16 pixels.
        quality: 1 to 100, which says how large the steps are.
        height: of the images.
        width: of the images.
    """

    luma_levels: Tensor
    chroma_levels: Tensor
    quality: int
    height: int
    width: int


def lossy(images: Tensor, quality: int, *, encoder: Library, decoder: Library) -> Tensor:
    """Return uint8 (N,3,H,W) after encoding at a quality (1 to 100), 4:2:0, and decoding.

    Equal to what the libraries make of every pixel, for any height and width.
    """
    step = max(1, len(images))
    if images.device.type == "cpu" and len(images):
        step = max(1, _IN_CACHE // images[0].numel())
    parts = [images[start : start + step] for start in range(0, max(1, len(images)), step)]
    made = [decoded(encoded(part, quality, encoder), decoder) for part in parts]
    return made[0] if len(made) == 1 else torch.cat(made)


def encoded(images: Tensor, quality: int, encoder: Library) -> Coefficients:
    """Return what a file of images, uint8 (N,3,H,W), would keep of them."""
    height, width = images.shape[2:]
    luma, chroma = _to_ycc(images, _COLOURS[encoder])
    luma_steps, chroma_steps = (
        _table(quality, which, images.device) for which in ("luminance", "chrominance")
    )
    if encoder == "turbo":
        chroma = _transformed(_halved(chroma), chroma_steps, 8)
    else:
        chroma = _transformed(chroma, chroma_steps, 16)
    return Coefficients(_transformed(luma, luma_steps, 8), chroma, quality, height, width)


def decoded(kept: Coefficients, decoder: Library) -> Tensor:
    """Return the pixels, uint8 (N,3,H,W), of what a file keeps."""
    height, width, device = kept.height, kept.width, kept.luma_levels.device
    luma_steps, chroma_steps = (_table(kept.quality, which, device) for which in ("luminance", "chrominance"))
    luma = _pixels(kept.luma_levels, luma_steps, 8, 128)[:, :height, :width]
    if decoder == "turbo":
        # The columns that complete a block have done their part; they are not used in the upsampling.
        halved = _pixels(kept.chroma_levels, chroma_steps, 8)[:, : (height + 1) // 2, : (width + 1) // 2]
        chroma = _doubled(halved)
    else:
        chroma = _pixels(kept.chroma_levels, chroma_steps, 16)
    chroma = chroma.view(-1, 2, *chroma.shape[1:])[:, :, :height, :width]
    return _to_rgb(luma, chroma, _COLOURS[decoder])


def _to_ycc(rgb: Tensor, colour: _Colour) -> tuple[Tensor, Tensor]:
    """Return luma (N,1,H,W) and blue and red chroma (N,2,H,W), float32, whole numbers from -128 to 127."""
    count, _, height, width = rgb.shape
    # Plane by plane, as the images may lie in memory with their channels last.
    red, green, blue = (plane.to(torch.float32) for plane in rgb.unbind(1))
    luma = red.new_empty(count, 1, height, width)
    _sum(luma[:, 0], (red, 19595), (green, 38470), (blue, 7471), plus=_HALF - (128 << _COLOUR_BITS))
    # libjpeg's rounding of the chroma is a hair less than half, so that 127.5 does not become 128.
    chroma = red.new_empty(count, 2, height, width)
    weights = (blue, 32768), (red, -colour.red_in_blue), (green, -colour.green_in_blue)
    _sum(chroma[:, 0], *weights, plus=_HALF - 1)
    _sum(chroma[:, 1], (red, 32768), (green, -27439), (blue, -5329), plus=_HALF - 1)
    return luma, chroma


def _to_rgb(luma: Tensor, chroma: Tensor, colour: _Colour) -> Tensor:
    """Return uint8 (N,3,H,W).

    Args:
        luma: (N,H,W), float32, 0 to 255.
        chroma: blue and red (N,2,H,W), float32, -128 to 127.
        colour: the constants.
    """
    made = luma.new_empty(len(luma), 3, *luma.shape[1:])
    blue, red = chroma.unbind(1)
    _sum(made[:, 0], (red, 91881), plus=_HALF)
    _sum(made[:, 1], (blue, -colour.blue_in_green), (red, -46802), plus=_HALF)
    _sum(made[:, 2], (blue, 116130), plus=_HALF)
    made.add_(luma[:, None]).clamp_(0, 255)
    return made.to(torch.int16).to(torch.uint8)  # faster than at once


def _sum(out: Tensor, first: tuple[Tensor, int], *others: tuple[Tensor, int], plus: int) -> None:
    """Write a weighted sum of planes, rounded down, to `out`; the weights are times 2**16.

    All partial sums are multiples of 2**-16 of at most 256, so that float32 holds them exactly.
    """
    one = 1 << _COLOUR_BITS
    torch.mul(first[0], first[1] / one, out=out)
    for plane, weight in others:
        out.add_(plane, alpha=weight / one)
    out.add_(plus / one).floor_()


def _halved(chroma: Tensor) -> Tensor:
    """Return the mean of each 2 x 2 pixels; to keep it unbiased the rounding alternates from column to column."""
    height, width = chroma.shape[2:]
    # libjpeg completes the last block's columns before it averages, but its rows afterwards.
    chroma = _extended(chroma, height + height % 2, -(-width // 16) * 16)
    total = chroma[:, :, 0::2] + chroma[:, :, 1::2]
    total = total[..., 0::2] + total[..., 1::2]
    total[..., 0::2] += 1
    total[..., 1::2] += 2
    return total.mul_(0.25).floor_()


def _extended(planes: Tensor, height: int, width: int) -> Tensor:
    """Return planes with the last row and column repeated up to a height and width."""
    more = (0, width - planes.shape[3], 0, height - planes.shape[2])
    return pad(planes, more, mode="replicate") if any(more) else planes


def _transformed(planes: Tensor, steps: Tensor, side: Literal[8, 16]) -> Tensor:
    """Return the coefficients of planes, whole numbers of steps, float64 (NC, rows, 8, columns, 8).

    Args:
        planes: (N,C,H,W), float32, whole numbers from -128 to 127.
        steps: of the quantisation, float64 (8,8).
        side: of the blocks of pixels; of 16 x 16 the 8 x 8 lowest frequencies are kept.
    """
    rows, columns = (-(-size // side) for size in planes.shape[2:])
    matrix = _forward(side, planes.device)
    # Along the rows, then along the columns. A block of four times the pixels sums up to four times as much.
    level = _extended(planes, side * rows, side * columns).to(torch.float64).view(-1, side)
    level = level @ (matrix.T * 2.0 ** (_KEPT_BITS - _TRANSFORM_BITS))
    _round_half_up(level)
    bits = _TRANSFORM_BITS + _KEPT_BITS + (2 if side == 16 else 0)
    level = matrix * 2.0**-bits @ level.view(-1, side, 8 * columns)
    _round_half_up(level)
    # The transform's output is 8 times too large. The quotient is rounded to nearest, half away from zero: made larger
    # by a hair, no half is left, and nothing else crosses one, as the dividends are whole and below 2**20.
    level.mul_(_by_frequency((1 + 2.0**-20) / (8 * steps), columns))
    return level.round_().view(-1, rows, 8, columns, 8)


def _pixels(levels: Tensor, steps: Tensor, side: Literal[8, 16], middle: int = 0) -> Tensor:
    """Return planes, float32 (n, rows * side, columns * side), whole numbers from -128 to 127 about the middle.

    Args:
        levels: the coefficients in steps, float64 (n, rows, 8, columns, 8).
        steps: of the quantisation, float64 (8,8).
        side: of the blocks of pixels.
        middle: what is added.
    """
    count, rows, _, columns, _ = levels.shape
    matrix = _inverse(side, levels.device)
    level = levels.view(-1, 8, 8 * columns) * _by_frequency(steps, columns)
    level = matrix * 2.0 ** (_KEPT_BITS - _TRANSFORM_BITS) @ level
    _round_half_up(level)
    level = level.view(-1, 8) @ (matrix.T * 2.0 ** -(_TRANSFORM_BITS + _KEPT_BITS + 3))
    level = level.add_(middle + 0.5).floor_().to(torch.float32).clamp_(middle - 128, middle + 127)
    return level.view(count, side * rows, side * columns)


def _by_frequency(factors: Tensor, columns: int) -> Tensor:
    """Return factors of the 8 x 8 frequencies as a row of blocks has them: (8, columns * 8)."""
    return factors.repeat(1, columns)


def _round_half_up(level: Tensor) -> None:
    """Round to whole numbers, half up, in place."""
    level.add_(0.5).floor_()


def _doubled(chroma: Tensor) -> Tensor:
    """Return planes (n,h,w) twice as high and wide: 3/4 of the nearest and 1/4 of the next, in both directions."""
    if chroma.shape[2] <= 2:  # libjpeg has nothing fancy for so narrow an image
        return chroma.repeat_interleave(2, 1).repeat_interleave(2, 2)
    count, height, width = chroma.shape
    near = chroma * 3
    tall = chroma.new_empty(count, height, 2, width)
    torch.add(near[:, 1:], chroma[:, :-1], out=tall[:, 1:, 0])
    torch.add(near[:, :1], chroma[:, :1], out=tall[:, :1, 0])
    torch.add(near[:, :-1], chroma[:, 1:], out=tall[:, :-1, 1])
    torch.add(near[:, -1:], chroma[:, -1:], out=tall[:, -1:, 1])
    tall = tall.view(count, 2 * height, width)
    right = tall * 3
    left = right.clone()
    left[..., 1:] += tall[..., :-1]
    left[..., :1] += tall[..., :1]
    right[..., :-1] += tall[..., 1:]
    right[..., -1:] += tall[..., -1:]
    # Both in contiguous memory, and only then side by side: that is faster.
    wide = chroma.new_empty(count, 2 * height, width, 2)
    wide[..., 0] = left.add_(8).mul_(1 / 16).floor_()
    wide[..., 1] = right.add_(7).mul_(1 / 16).floor_()
    return wide.view(count, 2 * height, 2 * width)


@lru_cache(maxsize=64)
def _table(quality: int, which: str, device: torch.device) -> Tensor:
    """Return the quantisation steps, float64 (8,8), row by row."""
    return steps(quality, which).to(torch.float64).to(device)


def steps(quality: int, which: str) -> Tensor:
    """Return the quantisation steps of a quality, int64 (8,8), row by row: of "luminance" or "chrominance"."""
    percent = 5000 // quality if quality < 50 else 200 - 2 * quality
    base = torch.tensor(_LUMINANCE if which == "luminance" else _CHROMINANCE)
    return (base * percent + 50).div(100, rounding_mode="floor").clamp(1, 255)


@lru_cache(maxsize=8)
def _forward(side: Literal[8, 16], device: torch.device) -> Tensor:
    """Return one pass of the forward transform, float64 (8, side): whole numbers, times 2**13."""
    return (_transform_8() if side == 8 else _transform_16()).to(device)


@lru_cache(maxsize=8)
def _inverse(side: Literal[8, 16], device: torch.device) -> Tensor:
    """Return one pass of the inverse transform, float64 (side, 8): whole numbers, times 2**13."""
    return (_transform_8().T if side == 8 else _inverse_16()).contiguous().to(device)


def _transform_8() -> Tensor:
    matrix = torch.empty(8, 8, dtype=torch.float64)
    even, odd = torch.tensor(_EVEN), torch.tensor(_ODD)
    matrix[0::2] = torch.cat((even, even.flip(1)), 1).to(torch.float64)
    matrix[1::2] = torch.cat((odd, -odd.flip(1)), 1).to(torch.float64)
    return matrix


def _transform_16() -> Tensor:
    """Return the forward pass of 16 pixels: row k is the cosine of frequency k, its odd rows antisymmetric."""
    matrix = torch.empty(8, 16, dtype=torch.float64)
    even, odd = torch.tensor(_EVEN_16), torch.tensor(_ODD_16)
    matrix[0::2] = torch.cat((even, even.flip(1)), 1).to(torch.float64)
    matrix[1::2] = torch.cat((odd, -odd.flip(1)), 1).to(torch.float64)
    return matrix


def _inverse_16() -> Tensor:
    """Return the inverse pass to 16 pixels: column k is the cosine of frequency k, times 2**13."""
    half = torch.tensor(_INVERSE_16, dtype=torch.float64)
    sign = torch.tensor([1.0, -1.0] * 4, dtype=torch.float64)
    return torch.cat((half, half.flip(0) * sign), 0)
