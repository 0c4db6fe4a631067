"""Push and pull kernels of a first layer, and its trained strengths of inhibition."""

from math import ceil
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from ppbench.reporting.figures.axes import Axes
from ppbench.reporting.figures.palette import light, series
from ppbench.reporting.report_content import Kernels, Pixels, StemKernels

if TYPE_CHECKING:
    from matplotlib.axes import Axes as MatplotlibAxes

COLUMNS = 16
_BINS = 24
_CELL = 42
_GAP = 4


def sheet(stem: StemKernels) -> Pixels:
    """Return all kernels as a picture (H, W, 4) uint8: 16 filters a row, the push above its pull, in their order.

    Each filter has its own scale, which its push and its pull share: grey is 0, the channels are red, green and blue,
    and the largest weight of either has full strength. Layers of other than three channels show their mean as grey.
    """
    assert stem.push is not None
    assert stem.pull is not None
    count = len(stem.push)
    rows, columns = ceil(count / COLUMNS), min(COLUMNS, count)
    picture = np.zeros((rows * (2 * _CELL + 3 * _GAP), columns * (_CELL + _GAP), 4), np.uint8)
    for index in range(count):
        largest = max(float(np.abs(stem.push[index]).max()), float(np.abs(stem.pull[index]).max()), 1e-12)
        top, left = (index // COLUMNS) * (2 * _CELL + 3 * _GAP), (index % COLUMNS) * (_CELL + _GAP)
        for part, kernels in enumerate((stem.push, stem.pull)):
            tile = _enlarged(_coloured(kernels[index] / largest))
            picture[top : top + _CELL, left : left + _CELL] = tile
            top += _CELL + (_GAP // 2 if part == 0 else 0)
    return picture


def _coloured(kernel: Kernels) -> npt.NDArray[np.float32]:
    """Return a kernel of -1..1, (I, k, k), as colours 0..1, (k, k, 3)."""
    channels = kernel if len(kernel) == 3 else np.repeat(kernel.mean(axis=0, keepdims=True), 3, axis=0)
    return np.asarray(0.5 + 0.5 * np.moveaxis(channels, 0, -1), np.float32)


def _enlarged(colours: npt.NDArray[np.float32]) -> Pixels:
    """Return a kernel as an opaque tile of `_CELL` pixels, in blocks."""
    side = len(colours)
    place = np.minimum(np.arange(_CELL) * side // _CELL, side - 1)
    rgb = np.clip(np.round(255 * colours[place][:, place]), 0, 255).astype(np.uint8)
    return np.concatenate([rgb, np.full((*rgb.shape[:2], 1), 255, np.uint8)], axis=2)


def draw(axes: "MatplotlibAxes", stem: StemKernels) -> None:
    """Draw the sheet of kernels."""
    axes.imshow(sheet(stem), interpolation="nearest")
    axes.set_axis_off()


def draw_strengths(axes: Axes, stem: StemKernels, place: int) -> None:
    """Draw the histogram of the trained strengths; 0 is no inhibition, below 0 it excites."""
    assert stem.strengths is not None
    values = np.asarray(stem.strengths, np.float64)
    low, high = min(0.0, float(values.min())), max(1.0, float(values.max()))
    axes.hist(values, bins=_BINS, range=(low, high), color=series(place).colour, alpha=0.8, lw=0)
    axes.axvline(float(values.mean()), color=light("ink"), lw=1)
    axes.annotate(
        f"mean {values.mean():.2f}", (float(values.mean()), 1), (3, -2), xycoords=("data", "axes fraction"),
        textcoords="offset points", fontsize=7, va="top",
    )  # fmt: skip
    axes.set_xlabel("inhibition strength α")
    axes.set_ylabel("filters")
    most = int(np.histogram(values, bins=_BINS, range=(low, high))[0].max())
    axes.set_yticks(range(0, most + 1, max(1, most // 4)))
    axes.grid(visible=False, axis="x")


def strengths_described(stem: StemKernels) -> str:
    """Return the histogram in words."""
    assert stem.strengths is not None
    values = stem.strengths
    return (
        f"Trained inhibition strengths of {stem.model}: {len(values)} filters, from {values.min():.2f} to "
        f"{values.max():.2f}, mean {values.mean():.2f}."
    )
