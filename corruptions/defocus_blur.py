"""defocus_blur: convolution with a disk whose edge is slightly softened."""

import math
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor

from corruptions.definition import Constants, Corruption, Fields
from corruptions.pixels import between, truncated


def _apply(images: Tensor, constants: Constants, fields: Fields) -> Tensor:  # noqa: ARG001 - one signature for all
    plan = planned(constants["radius"], constants["alias_blur"])
    height, width = images.shape[-2:]
    planes = images.reshape(-1, height, width)
    blurred = torch.empty_like(planes)
    on_cpu = images.device.type == "cpu"
    # On a CPU the sums of a few planes at a time stay in the cache of a core.
    together = max(1, (_CACHED if on_cpu else _ON_GPU) // (height * width))
    blur = exactly
    if on_cpu and sum(map(len, plan.places)) > _ADDED:
        blur = transformed
    elif on_cpu and len(plan.weights) > _FEW:
        blur = near_levels_redone
    for first in range(0, len(planes), together):
        blurred[first : first + together] = blur(planes[first : first + together], plan)
    return blurred.view_as(images)


_CACHED, _ON_GPU = 1 << 16, 1 << 23
"""Values that are worked on at a time."""
_FEW = 2
"""So few products are as well made in float64 at once."""
_ADDED = 32
"""Where more pixels are to be added one by one, a CPU is faster by Fourier transforms."""
_GREY = 128
"""Levels are summed up from here, so that sums stay small: of up to 255 of them within 16 bits."""
_NEGLIGIBLE = 2.0**-60
"""Weights below move no value by 1e-14 of a level; the reference's own rounding moves it by more."""


@dataclass(frozen=True, eq=False)
class Plan:
    """A kernel as sums of pixels of equal weight.

    Attributes:
        reach: pixels from the centre to the kernel's edge.
        weights: the different weights, float32 numbers.
        places: for each, (rows above and below, column) of its pixels; a row of 0 is the centre's, taken once.
        runs: half the width of the run of the first weight's pixels, by rows from the centre, instead of its places.
        grey: what a flat region of level `_GREY` becomes.
        kernel: all weights, float64 (2 reach + 1, 2 reach + 1).
    """

    reach: int
    weights: tuple[float, ...]
    places: tuple[tuple[tuple[int, int], ...], ...]
    runs: tuple[int, ...]
    grey: float
    kernel: Tensor


@lru_cache(maxsize=32)
def planned(radius: float, alias_blur: float) -> Plan:
    """Return how a kernel is best summed up."""
    kernel = disk_kernel(radius, alias_blur)
    reach = len(kernel) // 2
    lower = kernel[reach:]  # the upper half mirrors it
    found: dict[float, list[tuple[int, int]]] = {}
    for row, column in lower.gt(_NEGLIGIBLE).nonzero().tolist():
        found.setdefault(float(lower[row, column]), []).append((row, column - reach))
    most, *others = sorted(found, key=lambda weight: len(found[weight]), reverse=True)
    runs = []
    for row in range(reach + 1):
        columns = [c for r, c in found[most] if r == row]
        if columns and columns != list(range(-columns[-1], columns[-1] + 1)):
            break  # as where the disk is a single softened pixel
        if columns:
            runs.append(columns[-1])
    if sum(2 * half + 1 for half in runs) != len(found[most]):
        runs = []
    places = (() if runs else tuple(found[most]), *(tuple(found[weight]) for weight in others))
    kernel = torch.where(kernel > _NEGLIGIBLE, kernel, 0.0)
    grey = math.fsum(kernel.flatten().tolist()) * _GREY
    return Plan(reach, (most, *others), places, tuple(runs), grey, kernel)


def class_sums(planes: Tensor, plan: Plan) -> list[Tensor]:
    """Return, for each weight, the sums of the levels less `_GREY` of its pixels about every pixel of planes (n,H,W).

    Whole numbers, and views (n,H,W) of rows that are longer: the sums run over the padded planes as over one line.
    """
    height, width = planes.shape[-2:]
    reach = plan.reach
    larger = len(planes), height + 2 * reach, width + 2 * reach
    padded = torch.empty(larger, dtype=torch.int16, device=planes.device)
    _reflect(planes, reach, padded)
    stride, line = width + 2 * reach, padded.view(-1)
    size = len(line) - 2 * reach * stride - 2 * reach
    pairs = [line[reach * stride : len(line) - reach * stride]]
    for row in range(1, reach + 1):
        above = line[(reach - row) * stride : len(line) - (reach + row) * stride]
        pairs.append(above + line[(reach + row) * stride : len(line) - (reach - row) * stride])
    sums = []
    for places in plan.places:
        total = torch.empty_like(line)
        if places:
            first, *others = (pairs[row][reach + column :][:size] for row, column in places)
            total[:size] = first
            for other in others:
                total[:size] += other
        else:
            _add_runs(total[:size], line, plan, stride)
        sums.append(total.view(padded.shape)[:, :height, :width])
    return sums


def _add_runs(total: Tensor, line: Tensor, plan: Plan, stride: int) -> None:
    """Set a line of sums to those over the runs of every row, which grow by a pixel at either end."""
    reach, size = plan.reach, len(line) - 2 * plan.reach
    total.zero_()
    run = line[reach : reach + size].clone()
    for half in range(max(plan.runs) + 1):
        if half:
            run += line[reach - half :][:size]
            run += line[reach + half :][:size]
        for row, widest in enumerate(plan.runs):
            if widest == half:
                for shift in {reach - row, reach + row}:
                    total += run[shift * stride :][: len(total)]


def _reflect(planes: Tensor, reach: int, padded: Tensor) -> None:
    """Set planes that are `reach` larger on all sides to the levels less `_GREY`, (c b | a b c) as OpenCV pads them."""
    height, width = planes.shape[-2:]
    inner = padded[:, reach : reach + height]
    centre = inner[..., reach : reach + width]
    centre.copy_(planes).sub_(_GREY)
    inner[..., :reach] = centre[..., 1 : reach + 1].flip(-1)
    inner[..., reach + width :] = centre[..., width - reach - 1 : width - 1].flip(-1)
    padded[:, :reach] = inner[:, 1 : reach + 1].flip(-2)
    padded[:, reach + height :] = inner[:, height - reach - 1 : height - 1].flip(-2)


def exactly(planes: Tensor, plan: Plan) -> Tensor:
    """Return planes uint8 (n,H,W) blurred, from sums of products in float64.

    A product of a sum of levels and a float32 weight is exact in float64, and their sum off by 1e-12 at most, whatever
    the device. OpenCV's Fourier transform in float64 is off by some 1e-13: only a value as near as that to a whole
    level could fall to its other side, and none was seen within 1e-9 that is not exactly 0.
    """
    sums = class_sums(planes, plan)
    total = sums[0].to(torch.float64).mul_(plan.weights[0])
    for part, weight in zip(sums[1:], plan.weights[1:], strict=True):
        total.add_(part.to(torch.float64), alpha=weight)
    return truncated(total.add_(plan.grey))


def near_levels_redone(planes: Tensor, plan: Plan) -> Tensor:
    """Return what `exactly` does, by products in float32, and in float64 where these cannot tell.

    The sums of levels are exact. With u = 2**-24 and n weights, the n products and n sums in float32 are off by
    (n + 1) u grey at most, `grey` itself by u grey, and the last two sums, of values below 2 grey + 2, by 3 u grey
    each: where the bounds on both sides are cut off to the same level, so is the value between them.
    """
    sums = class_sums(planes, plan)
    fast = sums[0].to(torch.float32).mul_(plan.weights[0])
    for part, weight in zip(sums[1:], plan.weights[1:], strict=True):
        fast.add_(part.to(torch.float32), alpha=weight)
    slack = (len(sums) + 8) * 2.0**-24 * plan.grey
    fast.add_(plan.grey).clamp_(0.0, 255.0)
    blurred, again = between(fast - slack, fast + slack)
    if len(again):
        plane, row, column = _places(again, planes.shape[-2:])
        total = torch.zeros(len(again), dtype=torch.float64)
        for part, weight in zip(sums, plan.weights, strict=True):
            total += part[plane, row, column].to(torch.float64).mul_(weight)
        blurred.view(-1)[again] = truncated(total.add_(plan.grey))
    return blurred


def _places(flat: Tensor, size: torch.Size) -> tuple[Tensor, Tensor, Tensor]:
    line, column = flat // size[1], flat % size[1]
    return line // size[0], line % size[0], column


def transformed(planes: Tensor, plan: Plan) -> Tensor:
    """Return what `exactly` does, by Fourier transforms in float64, and by `exactly` itself where these cannot tell.

    With u = 2**-53 and M points, a transform's result is off by 8 u log2(M) of its length at most, as a vector
    (Higham, Accuracy and Stability of Numerical Algorithms, theorem 24.2, whose factor is below 8 u a stage with
    twiddles that are off by u). The levels less 128 have a length of 128 sqrt(M) at most, and no response is above
    1.05 nor off by more than 100 u: so after there and back no value is off by more than the length of the error,
    128 sqrt(M) (2.1 * 8 log2(M) + 110) u, 1.3e-9 levels at 224 pixels.
    """
    height, width = planes.shape[-2:]
    reach = plan.reach
    rows, columns = (_fast_size(side + 2 * reach) for side in (height, width))
    response = _response(plan, rows, columns)
    points = rows * columns
    slack = _GREY * math.sqrt(points) * (16.8 * math.log2(points) + 110) * 2.0**-53
    blurred = torch.empty_like(planes)
    padded = torch.zeros(rows, columns, dtype=torch.float64)
    # One at a time: a plane and its transform stay in the cache of a core.
    for plane, into in zip(planes, blurred, strict=True):
        _reflect(plane[None], reach, padded[None, : height + 2 * reach, : width + 2 * reach])
        spectrum = torch.fft.rfft2(padded).mul_(response)
        # Only the rows that are wanted go back in the second dimension.
        lines = torch.fft.ifft(spectrum, dim=0)[reach : reach + height]
        value = (
            torch.fft.irfft(lines, n=columns, dim=1)[:, reach : reach + width]
            .add(plan.grey)
            .clamp_(0.0, 255.0)
        )
        levels, unsure = between(value - slack, value + slack)
        into.copy_(exactly(plane[None], plan)[0] if len(unsure) else levels)
    return blurred


def _fast_size(size: int) -> int:
    """Return the smallest product of 2, 3 and 5 from `size` on."""
    while not _smooth(size):
        size += 1
    return size


def _smooth(size: int) -> bool:
    for prime in (2, 3, 5):
        while size % prime == 0:
            size //= prime
    return size == 1


@lru_cache(maxsize=32)
def _response(plan: Plan, rows: int, columns: int) -> Tensor:
    """Return the kernel's Fourier transform, complex128 (rows, columns // 2 + 1), off by less than 100 * 2**-53.

    As two products with waves, whose sums are short; a transform's error would be that of the largest value.
    """

    def waves(size: int, frequencies: int) -> Tensor:
        offsets = torch.arange(-plan.reach, plan.reach + 1)
        turns = (torch.arange(frequencies)[:, None] * offsets) % size
        return torch.polar(
            torch.ones(turns.shape, dtype=torch.float64), turns.double() * (-2.0 * math.pi / size)
        )

    kernel = plan.kernel.to(torch.complex128)
    return waves(rows, rows) @ kernel @ waves(columns, columns // 2 + 1).T


@lru_cache(maxsize=32)
def disk_kernel(radius: float, alias_blur: float) -> Tensor:
    """Return the kernel, float64 (2k + 1, 2k + 1), cropped to where it is not 0.

    A disk of ones on a grid of 17 x 17 pixels, or 2 radius + 1 if the radius is above 8, divided by its sum, then a
    Gaussian of 3 x 3 (5 x 5 above 8) taps and sigma `alias_blur`. The grid's border is reflected for that last
    step (OpenCV's default), so that a disk that touches it is softened inwards only: kept.
    """
    half = 8 if radius <= 8 else int(radius)
    taps = 3 if radius <= 8 else 5
    axis = torch.arange(-half, half + 1)
    disk = (axis[:, None] ** 2 + axis**2 <= radius**2).float()
    disk /= disk.sum()
    kernel = _softened(_softened(disk, alias_blur, taps // 2, 1), alias_blur, taps // 2, 0)
    reach = int(kernel.nonzero().sub(half).abs().max())
    return kernel[half - reach : half + reach + 1, half - reach : half + reach + 1].double()


def _softened(kernel: Tensor, sigma: float, reach: int, dim: int) -> Tensor:
    """Return a float32 kernel blurred along one dimension as OpenCV does it on a processor with AVX2.

    The last bits decide some levels. Products are added with fused multiply-adds, along a column the centre first,
    along a row the nearest pair; of five taps along a column, those beyond the last whole eight columns are not fused.
    """
    weights = [math.exp(-0.5 * (i / sigma) ** 2) for i in range(reach + 1)]
    total = math.fsum(weights) * 2.0 - weights[0]
    line = torch.tensor([w / total for w in weights], dtype=torch.float64).float()
    size = kernel.shape[dim]
    index = torch.arange(-reach, size + reach).abs()
    padded = kernel.index_select(dim, torch.minimum(index, 2 * (size - 1) - index))
    terms = [padded.narrow(dim, reach, size)]
    terms += [
        padded.narrow(dim, reach - i, size) + padded.narrow(dim, reach + i, size) for i in range(1, reach + 1)
    ]
    order = [1, 0, *range(2, reach + 1)] if dim == 1 else list(range(reach + 1))
    blurred = plain = terms[order[0]] * line[order[0]]
    for i in order[1:]:
        blurred = (terms[i].double() * line[i].double() + blurred).float()
        plain = terms[i] * line[i] + plain
    if (dim, reach) == (0, 2):
        blurred[:, size // 8 * 8 :] = plain[:, size // 8 * 8 :]
    return blurred


DEFOCUS_BLUR = Corruption("defocus_blur", "blur", 3, _apply)
