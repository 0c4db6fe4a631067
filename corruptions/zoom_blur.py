"""zoom_blur: the mean of the image and of ever stronger zooms into its centre."""

import math
import warnings
from functools import lru_cache
from threading import Lock

import torch
import torch.nn.functional as F
from torch import Tensor

from corruptions.definition import Constants, Corruption, Fields
from corruptions.pixels import between, divided, shares_of, truncated

_MATRIX_PIXELS = 1 << 17
"""Up to so many pixels a CPU's fast pass is one sparse matrix; beyond, it would take too much memory."""


def _apply(images: Tensor, constants: Constants, fields: Fields) -> Tensor:  # noqa: ARG001 - one signature for all
    height, width = images.shape[-2:]
    planes = images.reshape(-1, height, width)
    if images.device.type == "cpu" and height * width <= _MATRIX_PIXELS:
        return near_levels_redone(planes, constants["stop"], constants["step"]).view_as(images)
    return exactly(planes, constants["stop"], constants["step"]).view_as(images)


def exactly(planes: Tensor, stop: float, step: float) -> Tensor:
    """Return planes uint8 (n,H,W) blurred as the reference does: zooms in float64, stored and added up in float32."""
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
    """Return levels over 255, float32: of 0..255 the same as divided in float64 and then rounded."""
    return shares_of(levels, torch.float32)


def _mean(total: Tensor, shares: Tensor, zooms: int) -> Tensor:
    return truncated(divided(total.add_(shares), zooms + 1).clamp_(0.0, 1.0).mul_(255.0))


def near_levels_redone(planes: Tensor, stop: float, step: float) -> Tensor:
    """Return what `exactly` does, by a fast pass in float32 and `exactly`'s own operations where that cannot tell.

    With u = 2**-24, t the mean of the zooms of the float32 shares, in levels and without any rounding, n zooms and m
    weights in a row of the matrix, none of them negative: the reference rounds a term of its sum to float32 at most
    n + 3 times (its zoom, n sums, the division, the product with 255) and some 10 times to float64, so that it is off
    by (n + 4) u t at most. The fast pass rounds each weight once and its m products and m sums, in some order or
    another: it is off by (m + 2) u t at most. Four more cover the rounding of the two bounds and products of errors.
    Where both bounds are cut off to the same level, so is the reference's value, which lies between them.
    """
    count, height, width = planes.shape
    # One row per pixel, all images and channels in it: the matrix product runs along them.
    shares = planes.view(count, height * width).T.to(torch.float32).contiguous().div_(255.0)
    with _one_at_a_time:
        matrix, most = _matrix(height, width, stop, step)
    fast = matrix @ shares
    slack = (len(zoom_factors(stop, step)) + most + 10) * 2.0**-24
    blurred, again = between(fast * (1.0 - slack), fast * (1.0 + slack))
    values, levels = blurred.view(-1), _even_levels(stop, step)
    for some in torch.split(again, _LOOKED_AT):
        even = _even(shares, some, matrix, most)
        of_one = some[even]
        values[of_one] = levels[shares.view(-1)[of_one].mul_(255.0).round_().to(torch.int64)]
        for few in torch.split(some[~even], _REDONE):
            if len(few):
                values[few] = _redone(shares, few, (height, width), stop, step)
    return blurred.T.contiguous().view_as(planes)


_LOOKED_AT, _REDONE = 1 << 13, 1 << 11
"""Unsure values at a time, and those of them that are redone: their neighbours stay in the cache of a core."""
_one_at_a_time = Lock()  # threads wait for the matrix rather than each make it


def _even(shares: Tensor, places: Tensor, matrix: Tensor, most: int) -> Tensor:
    """Return which of the values at these flat places, bool (k,), are made of equal shares alone."""
    count = shares.shape[1]
    pixels = places // count
    starts, ends = (matrix.crow_indices().index_select(0, pixels + i)[:, None] for i in (0, 1))
    entries = torch.minimum(starts + torch.arange(most, dtype=torch.int32), ends - 1)
    sources = matrix.col_indices().index_select(0, entries.view(-1)).view(entries.shape).mul_(count)
    sources += (places - pixels * count).int()[:, None]
    values = shares.view(-1)
    found = values.index_select(0, sources.view(-1)).view(sources.shape)
    return found.eq(values.index_select(0, places)[:, None]).all(1)


@lru_cache(maxsize=32)
def _even_levels(stop: float, step: float) -> Tensor:
    """Return what `exactly` makes of each level where all is of that level, uint8 (256,).

    A zoom of equal shares is off by some 2**-50 of them in float64, and in float32 is that very share again.
    """
    shares = _shares(torch.arange(256))
    total, zooms = torch.zeros_like(shares), len(zoom_factors(stop, step))
    for _ in range(zooms):
        total += shares
    return _mean(total, shares, zooms)


def _redone(shares: Tensor, places: Tensor, size: tuple[int, int], stop: float, step: float) -> Tensor:
    """Return what `exactly` makes of some values, uint8 (k,), of shares float32 (H * W, n) at these flat places."""
    count = shares.shape[1]
    pixels = places.div(count, rounding_mode="floor")
    row = pixels.div(size[1], rounding_mode="floor")
    column, plane = pixels - row * size[1], places - pixels * count
    rows, columns = (_all_taps(side, stop, step) for side in size)
    upper, lower = ((t * (size[1] * count)).index_select(0, row).add_(plane[:, None]) for t in rows[:2])
    left, right = ((t * count).index_select(0, column) for t in columns[:2])
    down, beside = rows[2].index_select(0, row), columns[2].index_select(0, column)
    up, here = 1.0 - down, 1.0 - beside
    flat, source = shares.view(-1), torch.empty_like(upper)

    def corner(vertical: Tensor, horizontal: Tensor) -> Tensor:
        torch.add(vertical, horizontal, out=source)
        return flat.index_select(0, source.view(-1)).view(source.shape).to(torch.float64)

    zooms = corner(upper, left).mul_(up).mul_(here)
    zooms += corner(upper, right).mul_(up).mul_(beside)
    zooms += corner(lower, left).mul_(down).mul_(here)
    zooms += corner(lower, right).mul_(down).mul_(beside)
    total = torch.zeros(len(places), dtype=torch.float32)
    for zoom in zooms.T.to(torch.float32).contiguous():
        total += zoom
    return _mean(total, flat.index_select(0, places), zooms.shape[1])


@lru_cache(maxsize=64)
def _all_taps(size: int, stop: float, step: float) -> tuple[Tensor, Tensor, Tensor]:
    """Return the taps of all zooms, int32, int32 and float64 (size, zooms) each, on the CPU."""
    taps = [_taps(size, factor, torch.device("cpu")) for factor in zoom_factors(stop, step)]
    first, second, weight = (torch.stack(column, dim=1) for column in zip(*taps, strict=True))
    return first.int(), second.int(), weight


@lru_cache(maxsize=10)
def _matrix(height: int, width: int, stop: float, step: float) -> tuple[Tensor, int]:
    """Return the blur of shares, in levels, as a sparse matrix (H * W, H * W) in float32; the most weights in a row.

    Zooms of neighbouring strength share pixels, whose weights are added up in float64.
    """
    pixels = height * width
    above, below, down = _all_taps(height, stop, step)
    left, right, beside = _all_taps(width, stop, step)
    zooms = down.shape[1]
    sources, weights = (
        [torch.arange(pixels, dtype=torch.int32)[:, None]],
        [torch.ones(pixels, 1, dtype=torch.float64)],
    )
    for rows, in_row in ((above, 1.0 - down), (below, down)):
        for columns, in_column in ((left, 1.0 - beside), (right, beside)):
            sources.append((rows[:, None] * width + columns).view(pixels, zooms))
            weights.append((in_row[:, None] * in_column).view(pixels, zooms))
    source, order = torch.cat(sources, dim=1).sort(dim=1)
    weight = torch.cat(weights, dim=1).gather(1, order).mul_(255.0 / (zooms + 1))
    first = torch.ones_like(source, dtype=torch.bool)  # of its column in the row
    torch.ne(source[:, 1:], source[:, :-1], out=first[:, 1:])
    entry = first.view(-1).cumsum(0).sub_(1)
    values = torch.zeros(int(entry[-1]) + 1, dtype=torch.float64).index_add_(0, entry, weight.view(-1))
    in_rows = first.sum(dim=1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # "sparse CSR tensor support is in beta"
        matrix = torch.sparse_csr_tensor(
            F.pad(in_rows.cumsum(0), (1, 0)).int(),
            source[first],
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
