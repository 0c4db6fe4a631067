"""The loss of a baseline JPEG at 4:2:0, in torch integer arithmetic, as two libraries have it: IJG's and libjpeg-turbo.

Nothing is entropy-coded, as that loses nothing. What loses is followed to the bit: ITU-T T.81 with libjpeg's "islow"
transform (Loeffler, Ligtenberg and Moschytz 1989, 13-bit constants). The two differ in the chroma, which 4:2:0 halves:
libjpeg-turbo (and IJG's libjpeg up to 6b) averages 2 x 2 pixels and interpolates by a triangle; IJG's libjpeg 9
transforms 16 x 16 pixels and keeps the 8 x 8 lowest frequencies, and its inverse makes 16 x 16 pixels of these. Their
constants of the colour conversion differ in the last bit as well.

Whole numbers are held in float64 where they are multiplied by a matrix: all stay below 2**53, so nothing is rounded.
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
_TRANSFORM_BITS = 13
_KEPT_BITS = 2  # of fraction, between the two passes of a transform

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
    """What a JPEG file keeps of some images, dequantised, float64: multiples of the quantisation steps.

    Attributes:
        luma: (N, rows, 8, columns, 8), by block.
        chroma: (2N, rows, 8, columns, 8), by block of 16 x 16 pixels.
        height: of the images.
        width: of the images.
    """

    luma: Tensor
    chroma: Tensor
    height: int
    width: int


def lossy(images: Tensor, quality: int, *, encoder: Library, decoder: Library) -> Tensor:
    """Return uint8 (N,3,H,W) after encoding at a quality (1 to 100), 4:2:0, and decoding.

    Equal to what the libraries make of every pixel, for any height and width.
    """
    return decoded(encoded(images, quality, encoder), decoder)


def encoded(images: Tensor, quality: int, encoder: Library) -> Coefficients:
    """Return what a file of images, uint8 (N,3,H,W), would keep of them."""
    height, width = images.shape[2:]
    luma, chroma = _to_ycc(images.to(torch.int32), _COLOURS[encoder])
    luma_steps, chroma_steps = (
        _table(quality, which, images.device) for which in ("luminance", "chrominance")
    )
    if encoder == "turbo":
        chroma = _transformed(_halved(chroma), chroma_steps, 8)
    else:
        chroma = _transformed(chroma, chroma_steps, 16)
    return Coefficients(_transformed(luma, luma_steps, 8), chroma, height, width)


def decoded(kept: Coefficients, decoder: Library) -> Tensor:
    """Return the pixels, uint8 (N,3,H,W), of what a file keeps."""
    height, width = kept.height, kept.width
    luma = _pixels(kept.luma, 8)[:, None, :height, :width]
    if decoder == "turbo":
        # The columns that complete a block have done their part; they are not used in the upsampling.
        halved = _pixels(kept.chroma, 8)[:, : (height + 1) // 2, : (width + 1) // 2]
        chroma = _doubled(halved.reshape(-1, 2, *halved.shape[1:]))
    else:
        planes = _pixels(kept.chroma, 16)
        chroma = planes.view(-1, 2, *planes.shape[1:])
    return _to_rgb(luma, chroma[:, :, :height, :width], _COLOURS[decoder])


def _to_ycc(rgb: Tensor, colour: _Colour) -> tuple[Tensor, Tensor]:
    """Return luma (N,1,H,W) and chroma (N,2,H,W), int32 0..255."""
    red, green, blue = rgb.unbind(1)
    half = 1 << (_COLOUR_BITS - 1)
    luma = (red * 19595).add_(green, alpha=38470).add_(blue, alpha=7471)
    luma.add_(half).bitwise_right_shift_(_COLOUR_BITS)
    # libjpeg's rounding of the chroma is a hair less than half, so that 128 + 127.5 does not overflow.
    offset = (128 << _COLOUR_BITS) + half - 1
    chroma = torch.empty(len(rgb), 2, *rgb.shape[2:], dtype=rgb.dtype, device=rgb.device)
    of_blue, of_red = chroma.unbind(1)
    torch.mul(blue, 32768, out=of_blue).sub_(red, alpha=colour.red_in_blue).sub_(
        green, alpha=colour.green_in_blue
    )
    torch.mul(red, 32768, out=of_red).sub_(green, alpha=27439).sub_(blue, alpha=5329)
    return luma[:, None], chroma.add_(offset).bitwise_right_shift_(_COLOUR_BITS)


def _halved(chroma: Tensor) -> Tensor:
    """Return the mean of each 2 x 2 pixels; to keep it unbiased the rounding alternates from column to column."""
    height, width = chroma.shape[2:]
    # libjpeg completes the last block's columns before it averages, but its rows afterwards.
    chroma = _extended(chroma, height + height % 2, -(-width // 16) * 16)
    total = chroma[:, :, 0::2] + chroma[:, :, 1::2]
    total = total[..., 0::2] + total[..., 1::2]
    total[..., 0::2] += 1
    total[..., 1::2] += 2
    return total.bitwise_right_shift_(2)


def _extended(planes: Tensor, height: int, width: int) -> Tensor:
    """Return planes with the last row and column repeated up to a height and width."""
    more = (0, width - planes.shape[3], 0, height - planes.shape[2])
    return pad(planes.to(torch.float64), more, mode="replicate").to(planes.dtype) if any(more) else planes


def _transformed(planes: Tensor, steps: Tensor, side: Literal[8, 16]) -> Tensor:
    """Return the coefficients of planes (N,C,H,W), int32 0..255, as multiples of the steps: (NC, rows, 8, columns, 8).

    Args:
        planes: the planes.
        steps: of the quantisation, float64 (8,1,8).
        side: of the blocks of pixels; of 16 x 16 the 8 x 8 lowest frequencies are kept.
    """
    rows, columns = (-(-size // side) for size in planes.shape[2:])
    matrix = _forward(side, planes.device)
    level = _extended(planes, side * rows, side * columns).sub(128).to(torch.float64)
    # Along the rows, then along the columns. A block of four times the pixels sums up to four times as much.
    level = level.view(-1, side) @ matrix.T
    _descaled(level, _TRANSFORM_BITS - _KEPT_BITS)
    level = matrix @ level.view(-1, side, 8 * columns)
    _descaled(level, _TRANSFORM_BITS + _KEPT_BITS + (2 if side == 16 else 0))
    level = level.view(-1, rows, 8, columns, 8)
    # The transform's output is 8 times too large. The quotient is rounded to nearest, half away from zero.
    sign = level.sign()
    return level.abs_().add_(steps * 4).div_(steps * 8).floor_().mul_(sign).mul_(steps)


def _pixels(kept: Tensor, side: Literal[8, 16]) -> Tensor:
    """Return planes, int32 0..255 (n, rows * side, columns * side), of coefficients (n, rows, 8, columns, 8)."""
    count, rows, _, columns, _ = kept.shape
    matrix = _inverse(side, kept.device)
    level = matrix @ kept.reshape(-1, 8, 8 * columns)
    _descaled(level, _TRANSFORM_BITS - _KEPT_BITS)
    level = level.view(-1, 8) @ matrix.T
    _descaled(level, _TRANSFORM_BITS + _KEPT_BITS + 3)
    return level.add_(128).clamp_(0, 255).to(torch.int32).view(count, side * rows, side * columns)


def _descaled(level: Tensor, bits: int) -> None:
    """Divide whole numbers by 2**bits, rounded to nearest, half up, in place."""
    level.add_(1 << (bits - 1)).mul_(2.0**-bits).floor_()


def _doubled(chroma: Tensor) -> Tensor:
    """Return planes twice as high and wide: weights 3/4 and 1/4 of the nearest and the next, in both directions."""
    if chroma.shape[3] <= 2:  # libjpeg has nothing fancy for so narrow an image
        return chroma.repeat_interleave(2, 2).repeat_interleave(2, 3)
    near = chroma * 3
    above = torch.cat((chroma[:, :, :1], chroma[:, :, :-1]), 2)
    below = torch.cat((chroma[:, :, 1:], chroma[:, :, -1:]), 2)
    tall = torch.stack((near + above, near + below), 3).flatten(2, 3)
    near = tall * 3
    left = torch.cat((tall[..., :1], tall[..., :-1]), 3)
    right = torch.cat((tall[..., 1:], tall[..., -1:]), 3)
    wide = torch.stack(((near + left).add_(8), (near + right).add_(7)), 4)
    return wide.bitwise_right_shift_(4).flatten(3, 4)


def _to_rgb(luma: Tensor, chroma: Tensor, colour: _Colour) -> Tensor:
    """Return uint8 (N,3,H,W)."""
    blue_less, red_less = (chroma - 128).unbind(1)
    luma = luma[:, 0]
    half = 1 << (_COLOUR_BITS - 1)
    red = (red_less * 91881).add_(half).bitwise_right_shift_(_COLOUR_BITS).add_(luma)
    green = (blue_less * -colour.blue_in_green).sub_(red_less, alpha=46802).add_(half)
    green = green.bitwise_right_shift_(_COLOUR_BITS).add_(luma)
    blue = (blue_less * 116130).add_(half).bitwise_right_shift_(_COLOUR_BITS).add_(luma)
    rgb = torch.empty(len(red), 3, *red.shape[1:], dtype=torch.uint8, device=red.device)
    for into, channel in zip(rgb.unbind(1), (red, green, blue), strict=True):
        into.copy_(channel.clamp_(0, 255))
    return rgb


@lru_cache(maxsize=64)
def _table(quality: int, which: str, device: torch.device) -> Tensor:
    """Return the quantisation steps, float64 (8,1,8): rows, any block, columns."""
    percent = 5000 // quality if quality < 50 else 200 - 2 * quality
    base = torch.tensor(_LUMINANCE if which == "luminance" else _CHROMINANCE)
    steps = (base * percent + 50).div(100, rounding_mode="floor").clamp(1, 255)
    return steps.to(torch.float64)[:, None].to(device)


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
