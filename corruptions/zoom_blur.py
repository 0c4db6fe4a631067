"""zoom_blur: the mean of the image and of ever stronger zooms into its centre."""

import math
import warnings
from functools import lru_cache
from threading import Lock

import torch
import torch.nn.functional as F
from torch import Tensor

from corruptions.convolution import NUDGE, to_uint8
from corruptions.definition import Constants, Corruption, Fields

# Up to this many pixels the blur is one sparse matrix, about 35 entries a pixel. Beyond, the matrix would take too
# much memory and the zooms are added up one by one, about three times slower.
_MATRIX_PIXELS = 1 << 17
_one_at_a_time = Lock()  # threads wait for the matrix rather than each make it


def _apply(images: Tensor, constants: Constants, fields: Fields) -> Tensor:  # noqa: ARG001 - one signature for all
    count, channels, height, width = images.shape
    stop, step = constants["stop"], constants["step"]
    if height * width > _MATRIX_PIXELS:
        return to_uint8(layered_blur(images.float(), stop, step).add_(NUDGE))
    # One row per pixel, all images and channels in it: the matrix product runs along them.
    pixels = images.view(count * channels, height * width).T.float()
    with _one_at_a_time:
        matrix = blur_matrix(height, width, stop, step, images.device)
    blurred = matrix @ pixels.contiguous()
    return to_uint8(blurred.add_(NUDGE)).T.contiguous().view_as(images)


def layered_blur(levels: Tensor, stop: float, step: float) -> Tensor:
    """Return the mean of levels, float32 (N,C,H,W), and its zooms, added up one by one."""
    factors = zoom_factors(stop, step)
    total = levels.clone()
    for factor in factors:
        total += zoom_centre(levels, factor)
    return total.mul_(1.0 / (len(factors) + 1))


def zoom_factors(stop: float, step: float) -> list[float]:
    """Return numpy.arange(1, stop, step), whose rounding sometimes includes the end: kept, with its count."""
    count = math.ceil((stop - 1.0) / step)
    delta = (1.0 + step) - 1.0
    return [1.0 + i * delta for i in range(count)]


def zoom_centre(images: Tensor, factor: float) -> Tensor:
    """Return the centre of images (N,C,H,W), magnified bilinearly to the full size, corners aligned.

    Each dimension on its own: a centre of ceil(size / factor) pixels is magnified to round(centre * factor),
    as scipy.ndimage.zoom does, and what exceeds the size is trimmed.
    """
    (top, cut_h, out_h), (left, cut_w, out_w) = (_window(size, factor) for size in images.shape[-2:])
    height, width = images.shape[-2:]
    if (out_h, out_w) == (cut_h, cut_w) == (height, width):
        return images
    centre = images[..., top : top + cut_h, left : left + cut_w]
    zoomed = F.interpolate(centre, (out_h, out_w), mode="bilinear", align_corners=True)
    trim_h, trim_w = (out_h - height) // 2, (out_w - width) // 2
    return zoomed[..., trim_h : trim_h + height, trim_w : trim_w + width]


def _window(size: int, factor: float) -> tuple[int, int, int]:
    """Return where the centre starts, its size, and its size once magnified."""
    cut = math.ceil(size / factor)
    return (size - cut) // 2, cut, round(cut * factor)


@lru_cache(maxsize=10)
def blur_matrix(height: int, width: int, stop: float, step: float, device: torch.device) -> Tensor:
    """Return the blur as a sparse matrix (H * W, H * W), in float32: zooms of neighbouring strength share pixels."""
    pixels = height * width
    factors = zoom_factors(stop, step)
    sources, weights = [torch.arange(pixels)], [torch.ones(pixels, dtype=torch.float64)]
    for factor in factors:
        above, down = _taps(height, factor)
        left, right = _taps(width, factor)
        for row, in_row in ((above, 1.0 - down), (above + 1, down)):
            for column, in_column in ((left, 1.0 - right), (left + 1, right)):
                sources.append((row[:, None] * width + column).view(-1))
                weights.append((in_row[:, None] * in_column).view(-1))
    source, order = torch.stack(sources, dim=1).sort(dim=1)
    weight = torch.stack(weights, dim=1).gather(1, order).div_(len(factors) + 1)
    first = torch.ones_like(source, dtype=torch.bool)  # of its column in the row
    torch.ne(source[:, 1:], source[:, :-1], out=first[:, 1:])
    entry = first.view(-1).cumsum(0).sub_(1)
    values = torch.zeros(int(entry[-1]) + 1, dtype=torch.float64).index_add_(0, entry, weight.view(-1))
    starts = F.pad(first.sum(dim=1).cumsum(0), (1, 0))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # "sparse CSR tensor support is in beta"
        return torch.sparse_csr_tensor(
            starts.int(), source[first].int(), values.float(), (pixels, pixels), check_invariants=False
        ).to(device)


def _taps(size: int, factor: float) -> tuple[Tensor, Tensor]:
    """Return the left one of the two pixels each output pixel lies between, and the weight of the right one."""
    start, cut, out = _window(size, factor)
    trim = (out - size) // 2
    where = (torch.arange(size, dtype=torch.float64) + trim) * ((cut - 1) / (out - 1)) + start
    left = where.floor().clamp_(max=size - 2)
    return left.long(), where - left


ZOOM_BLUR = Corruption("zoom_blur", "blur", 1, _apply)
