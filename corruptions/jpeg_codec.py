"""The loss of a baseline JPEG at 4:2:0, in torch integer arithmetic: the pixels libjpeg decodes from what it encoded.

Nothing is entropy-coded, as that loses nothing. What loses is followed to the bit: ITU-T T.81 with libjpeg's "islow"
transform (Loeffler, Ligtenberg and Moschytz 1989, 13-bit constants), its chroma averaging and its "fancy" upsampling.
Whole numbers are held in float64 where they are multiplied by a matrix: all stay below 2**53, so nothing is rounded.
"""

from functools import lru_cache

import torch
from torch import Tensor
from torch.nn.functional import pad

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


def lossy(images: Tensor, quality: int) -> Tensor:
    """Return uint8 (N,3,H,W) after encoding at a quality (1 to 100), 4:2:0, and decoding.

    Equal to Pillow's (libjpeg-turbo's) result on every pixel, for any height and width.
    """
    height, width = images.shape[2:]
    luma, chroma = _to_ycc(images.to(torch.int32))
    chroma = _halved(chroma)
    luma = _blockwise(luma, _table(quality, "luminance", images.device))
    # The columns that complete a block have done their part; libjpeg does not use them in the upsampling.
    chroma = _blockwise(chroma, _table(quality, "chrominance", images.device))[..., : (width + 1) // 2]
    return _to_rgb(luma, _doubled(chroma)[:, :, :height, :width])


def _to_ycc(rgb: Tensor) -> tuple[Tensor, Tensor]:
    """Return luma (N,1,H,W) and chroma (N,2,H,W), int32 0..255."""
    red, green, blue = rgb.unbind(1)
    half = 1 << (_COLOUR_BITS - 1)
    luma = (red * 19595).add_(green * 38470).add_(blue * 7471).add_(half).bitwise_right_shift_(_COLOUR_BITS)
    # libjpeg's rounding of the chroma is a hair less than half, so that 128 + 127.5 does not overflow.
    offset = (128 << _COLOUR_BITS) + half - 1
    chroma = torch.stack(
        (
            (blue * 32768).sub_(red * 11059).sub_(green * 21709),
            (red * 32768).sub_(green * 27439).sub_(blue * 5329),
        ),
        1,
    )
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


def _blockwise(planes: Tensor, table: Tensor) -> Tensor:
    """Return planes (N,C,H,W), int32 0..255, after transform, quantisation and inverse transform of 8 x 8 blocks."""
    count, channels, height, width = planes.shape
    rows, columns = -(-height // 8), -(-width // 8)
    matrix = _transform(planes.device)
    level = _extended(planes, 8 * rows, 8 * columns).sub(128).to(torch.float64)
    # Forward: along the rows, then along the columns; inverse: the other way round.
    level = level.view(-1, 8) @ matrix.T
    _descaled(level, _TRANSFORM_BITS - _KEPT_BITS)
    level = matrix @ level.view(-1, 8, 8 * columns)
    _descaled(level, _TRANSFORM_BITS + _KEPT_BITS)
    level = level.view(-1, 8, columns, 8)
    # The transform's output is 8 times too large. The quotient is rounded to nearest, half away from zero.
    sign = level.sign()
    level = level.abs_().add_(table * 4).div_(table * 8).floor_().mul_(sign).mul_(table)
    level = matrix.T @ level.view(-1, 8, 8 * columns)
    _descaled(level, _TRANSFORM_BITS - _KEPT_BITS)
    level = level.view(-1, 8) @ matrix
    _descaled(level, _TRANSFORM_BITS + _KEPT_BITS + 3)
    planes = level.add_(128).clamp_(0, 255).to(torch.int32).view(count, channels, 8 * rows, 8 * columns)
    return planes[:, :, :height, :width]


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


def _to_rgb(luma: Tensor, chroma: Tensor) -> Tensor:
    """Return uint8 (N,3,H,W)."""
    blue_less, red_less = (chroma - 128).unbind(1)
    luma = luma[:, 0]
    half = 1 << (_COLOUR_BITS - 1)
    red = (red_less * 91881).add_(half).bitwise_right_shift_(_COLOUR_BITS).add_(luma)
    green = (
        (blue_less * -22554).sub_(red_less * 46802).add_(half).bitwise_right_shift_(_COLOUR_BITS).add_(luma)
    )
    blue = (blue_less * 116130).add_(half).bitwise_right_shift_(_COLOUR_BITS).add_(luma)
    return torch.stack((red, green, blue), 1).clamp_(0, 255).to(torch.uint8)


@lru_cache(maxsize=64)
def _table(quality: int, which: str, device: torch.device) -> Tensor:
    """Return the quantisation steps, float64 (8,1,8): rows, any block, columns."""
    percent = 5000 // quality if quality < 50 else 200 - 2 * quality
    base = torch.tensor(_LUMINANCE if which == "luminance" else _CHROMINANCE)
    steps = (base * percent + 50).div(100, rounding_mode="floor").clamp(1, 255)
    return steps.to(torch.float64)[:, None].to(device)


@lru_cache(maxsize=8)
def _transform(device: torch.device) -> Tensor:
    """Return one pass of the forward transform, float64 (8,8)."""
    matrix = torch.empty(8, 8, dtype=torch.float64)
    even, odd = torch.tensor(_EVEN), torch.tensor(_ODD)
    matrix[0::2] = torch.cat((even, even.flip(1)), 1).to(torch.float64)
    matrix[1::2] = torch.cat((odd, -odd.flip(1)), 1).to(torch.float64)
    return matrix.to(device)
