"""zoom_blur: the mean of the image and of ever stronger zooms into its centre."""

import math
import warnings
from functools import lru_cache
from threading import Lock

import torch
import torch.nn.functional as F
from torch import Tensor

from corruptions.convolution import to_uint8
from corruptions.definition import Constants, Corruption, Fields

_MATRIX_PIXELS = 1 << 17
"""Up to so many pixels a CPU's fast pass is one sparse matrix; beyond, it would take too much memory."""


def _apply(images: Tensor, constants: Constants, fields: Fields) -> Tensor:  # noqa: ARG001 - one signature for all
    height, width = images.shape[-2:]
    planes = images.reshape(-1, height, width)
    if images.device.type == "cpu" and height * width <= _MATRIX_PIXELS:
        return near_levels_redone(planes, constants["stop"], constants["step"]).view_as(images)
    return exactly(planes, constants["stop"], constants["step"]).view_as(images)


def exactly(planes: Tensor, stop: float, step: float) -> Tensor:
    """Return planes uint8 (n,H,W) blurred as in the reference: SciPy's zooms in float64, stored and added in float32."""
    height, width = planes.shape[-2:]
    factors = zoom_factors(stop, step)
    blurred = torch.empty_like(planes)
    # A few planes at a time stay in the cache of a core.
    together = max(1, (_CACHED if planes.device.type == "cpu" else _ON_GPU) // (height * width))
    for first in range(0, len(planes), together):
        shares = _shares(planes[first : first + together])
        exact, total = shares.to(torch.float64), torch.zeros_like(shares)
        for factor in factors:
            total += zoomed_centre(exact, factor).to(torch.float32)
        blurred[first : first + together] = _mean(total, shares, len(factors))
    return blurred


_CACHED, _ON_GPU = 1 << 16, 1 << 26
"""Values in float64 that are worked on at a time."""


def _shares(levels: Tensor) -> Tensor:
    return levels.to(torch.float64).div_(255.0).to(torch.float32)


def _mean(total: Tensor, shares: Tensor, zooms: int) -> Tensor:
    return to_uint8(total.add_(shares).div_(zooms + 1).clamp_(0.0, 1.0).mul_(255.0))


def near_levels_redone(planes: Tensor, stop: float, step: float) -> Tensor:
    """Return what `exactly` does, by a fast pass in float32 and `exactly`'s own operations where that cannot tell.

    With u = 2**-24, t the true mean in levels, n zooms and m weights in a row of the matrix, all of them positive:
    every term of the reference's sum is rounded to float32 at most n + 4 times (its share, its zoom, n sums, the
    division, the product with 255) beside some 10 times in float64, so that it is off by (n + 5) u t at most. The fast
    pass multiplies whole levels, which are exact, by weights rounded once, and rounds m products and m sums in some
    order or another: it is off by (m + 2) u t at most. Three more for the two bounds themselves and for products of the
    errors, and where both bounds are cut off to the same level, so is the reference's value between them.
    """
    count, height, width = planes.shape
    # One row per pixel, all images and channels in it: the matrix product runs along them.
    levels = planes.view(count, height * width).T.float().contiguous()
    with _one_at_a_time:
        matrix, most = _matrix(height, width, stop, step)
    fast = matrix @ levels
    slack = (len(zoom_factors(stop, step)) + most + 10) * 2.0**-24
    blurred = to_uint8(fast * (1.0 + slack))
    again = torch.ne(fast.mul_(1.0 - slack).to(torch.uint8), blurred).flatten().nonzero()[:, 0]
    flat = blurred.flatten()
    for some in again.split(_REDONE):
        flat[some] = _redone(levels, some, (height, width), stop, step)
    return blurred.T.contiguous().view_as(planes)


_REDONE = 1 << 12
"""Values that are redone at a time: their neighbours in all zooms stay in the cache of a core."""
_one_at_a_time = Lock()  # threads wait for the matrix rather than each make it


def _redone(levels: Tensor, places: Tensor, size: tuple[int, int], stop: float, step: float) -> Tensor:
    """Return what `exactly` makes of some values, uint8 (k,), of levels float32 (H * W, n) at these flat places."""
    pixels = places.div(levels.shape[1], rounding_mode="floor")
    plane = places - pixels * levels.shape[1]
    row = pixels.div(size[1], rounding_mode="floor")
    column = pixels - row * size[1]
    upper, lower, down = (table.index_select(0, row) for table in _all_taps(size[0], stop, step))
    left, right, beside = (table.index_select(0, column) for table in _all_taps(size[1], stop, step))
    flat = levels.view(-1)

    def shares(rows: Tensor, columns: Tensor) -> Tensor:
        source = (rows * size[1]).add_(columns).mul_(levels.shape[1]).add_(plane[:, None])
        return _shares(flat.index_select(0, source.view(-1)).view(source.shape)).to(torch.float64)

    up, here = 1.0 - down, 1.0 - beside
    zooms = shares(upper, left).mul_(up).mul_(here)
    zooms += shares(upper, right).mul_(up).mul_(beside)
    zooms += shares(lower, left).mul_(down).mul_(here)
    zooms += shares(lower, right).mul_(down).mul_(beside)
    total = torch.zeros(len(places), dtype=torch.float32)
    for zoom in zooms.to(torch.float32).T.contiguous():
        total += zoom
    return _mean(total, _shares(flat.index_select(0, places)), zooms.shape[1])


@lru_cache(maxsize=64)
def _all_taps(size: int, stop: float, step: float) -> tuple[Tensor, Tensor, Tensor]:
    """Return the taps of all zooms, (size, zooms) each, on the CPU."""
    taps = [_taps(size, factor, torch.device("cpu")) for factor in zoom_factors(stop, step)]
    first, second, weight = (torch.stack(column, dim=1) for column in zip(*taps, strict=True))
    return first, second, weight


@lru_cache(maxsize=10)
def _matrix(height: int, width: int, stop: float, step: float) -> tuple[Tensor, int]:
    """Return the blur as a sparse matrix (H * W, H * W) in float32, and the most weights in a row.

    Zooms of neighbouring strength share pixels, whose weights are added up in float64.
    """
    pixels = height * width
    above, below, down = _all_taps(height, stop, step)
    left, right, beside = _all_taps(width, stop, step)
    zooms = down.shape[1]
    sources, weights = [torch.arange(pixels)[:, None]], [torch.ones(pixels, 1, dtype=torch.float64)]
    for rows, in_row in ((above, 1.0 - down), (below, down)):
        for columns, in_column in ((left, 1.0 - beside), (right, beside)):
            sources.append((rows[:, None] * width + columns).view(pixels, zooms))
            weights.append((in_row[:, None] * in_column).view(pixels, zooms))
    source, order = torch.cat(sources, dim=1).sort(dim=1)
    weight = torch.cat(weights, dim=1).gather(1, order).div_(zooms + 1)
    first = torch.ones_like(source, dtype=torch.bool)  # of its column in the row
    torch.ne(source[:, 1:], source[:, :-1], out=first[:, 1:])
    entry = first.view(-1).cumsum(0).sub_(1)
    values = torch.zeros(int(entry[-1]) + 1, dtype=torch.float64).index_add_(0, entry, weight.view(-1))
    in_rows = first.sum(dim=1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # "sparse CSR tensor support is in beta"
        matrix = torch.sparse_csr_tensor(
            F.pad(in_rows.cumsum(0), (1, 0)).int(),
            source[first].int(),
            values.float(),
            (pixels, pixels),
            check_invariants=False,
        )
    return matrix, int(in_rows.max())


def zoomed_centre(planes: Tensor, factor: float) -> Tensor:
    """Return what `zoom_centre` does of planes, float64 (n,H,W), with SciPy's products in SciPy's order."""
    rows, below, down = _taps(planes.shape[-2], factor, planes.device)
    columns, beside, right = _taps(planes.shape[-1], factor, planes.device)
    upper = planes.index_select(-2, rows).mul_((1.0 - down)[:, None])
    lower = planes.index_select(-2, below).mul_(down[:, None])
    left = 1.0 - right
    total = upper.index_select(-1, columns).mul_(left)
    total += upper.index_select(-1, beside).mul_(right)
    total += lower.index_select(-1, columns).mul_(left)
    total += lower.index_select(-1, beside).mul_(right)
    return total


@lru_cache(maxsize=256)
def _taps(size: int, factor: float, device: torch.device) -> tuple[Tensor, Tensor, Tensor]:
    """Return the two pixels that each output pixel lies between, and the weight of the second, as SciPy has them."""
    start, cut, out = _window(size, factor)
    where = (torch.arange(size, dtype=torch.float64) + (out - size) // 2) * ((cut - 1) / max(out - 1, 1))
    first = where.floor()
    second = (first + 1).clamp_(max=cut - 1)
    return (first.long() + start).to(device), (second.long() + start).to(device), (where - first).to(device)


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


ZOOM_BLUR = Corruption("zoom_blur", "blur", 2, _apply)
