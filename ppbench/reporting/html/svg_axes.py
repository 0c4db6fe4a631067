"""Axes that draw SVG for the page, by the names of matplotlib, of which only what the page's figures use.

A page of 25 panels takes matplotlib a second and a half of processor time, half of it before the first line is drawn.
These take hundredths. Figures for a paper are matplotlib's.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from html import escape
from math import cos, floor, isclose, log10, pi, sin
from typing import Any

import numpy as np

from ppbench.reporting.figures.palette import light

Margins = tuple[float, float, float, float]
"""Left, right, bottom, top; in inches."""

_POINTS = 72.0
_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)
_LABEL, _TITLE, _TICK = 8.0, 8.5, 7.5
_MARK, _THIN = 2.5, 0.7

Dash = str | tuple[float, Sequence[float]]
Ends = tuple[float, float]


def _corners(count: int, inner: float = 1.0) -> tuple[Ends, ...]:
    """Return the corners of a regular shape around 0, every other one drawn in; the first one up."""
    reach = [inner if k % 2 else 1.0 for k in range(count)]
    return tuple((r * sin(2 * pi * k / count), -r * cos(2 * pi * k / count)) for k, r in enumerate(reach))


_PLUS = ((-0.33, -1), (0.33, -1), (0.33, -0.33), (1, -0.33), (1, 0.33), (0.33, 0.33), (0.33, 1), (-0.33, 1),
         (-0.33, 0.33), (-1, 0.33), (-1, -0.33), (-0.33, -0.33))  # fmt: skip
_SHAPES: dict[str, Sequence[Ends]] = {
    "s": ((-0.9, -0.9), (0.9, -0.9), (0.9, 0.9), (-0.9, 0.9)),
    "^": ((0, -1), (1, 1), (-1, 1)),
    "v": ((0, 1), (1, -1), (-1, -1)),
    "<": ((-1, 0), (1, -1), (1, 1)),
    ">": ((1, 0), (-1, -1), (-1, 1)),
    "D": ((0, -1.25), (1.25, 0), (0, 1.25), (-1.25, 0)),
    "P": _PLUS,
    "X": tuple(((x - y) * 0.75, (x + y) * 0.75) for x, y in _PLUS),
    "*": _corners(10, inner=0.42),
    "p": _corners(5),
    "h": _corners(6),
}
"""Marker -> its corners, in halves of its size."""


class _Label:
    """The text of a mark on an axis."""

    def __init__(self, text: str) -> None:
        self.text, self.weight = text, "normal"

    def set_fontweight(self, weight: str) -> None:
        """Set it in bold or not."""
        self.weight = weight


class _Spine:
    """A side of the axes."""

    def __init__(self) -> None:
        self.visible = True

    def set_visible(self, visible: bool) -> None:
        """Show or hide it."""
        self.visible = visible


@dataclass
class _Side:
    """One axis: its ends, its marks and how they look."""

    ends: Ends = (0.0, 1.0)
    places: Sequence[float] | None = None
    labels: list[_Label] = field(default_factory=list)
    title: str = ""
    grid: bool = True
    length: float = _MARK
    pad: float = 3.5
    colour: str = field(default_factory=lambda: light("muted"))


class SvgAxes:
    """One pair of axes in a figure of its own; sizes in inches, inside in points."""

    def __init__(self, width: float, height: float, margins: Margins) -> None:
        left, right, bottom, top = (_POINTS * each for each in margins)
        self._size = _POINTS * width, _POINTS * height
        self._box = left, top, self._size[0] - left - right, self._size[1] - bottom - top
        self._x, self._y = _Side(), _Side()
        self._title, self._framed = "", True
        self.spines = {"left": _Spine(), "bottom": _Spine()}
        # Drawn when the ends of the axes are known: (order, what).
        self._drawn: list[tuple[float, Callable[[], str]]] = []

    def plot(
        self,
        x: float | Sequence[float],
        y: float | Sequence[float],
        *,
        color: str,
        lw: float = 1.5,
        ls: Dash = "-",
        marker: str = "",
        ms: float = 4.0,
        alpha: float = 1.0,
        clip_on: bool = True,
        zorder: float = 2.0,
        **_: Any,
    ) -> None:
        """Draw a line through points, and a marker at each."""
        xs, ys = np.atleast_1d(x).tolist(), np.atleast_1d(y).tolist()

        def made() -> str:
            points = [(self._across(a), self._down(b)) for a, b in zip(xs, ys, strict=True)]
            clip = ' clip-path="url(#clip)"' if clip_on and not marker else ""
            told = ""
            if ls and len(points) > 1:
                style = f"fill:none;stroke:{color};stroke-width:{lw:g};opacity:{alpha:g}{_dashes(ls, lw)}"
                told = f'<path{clip} d="{_path(points)}" style="{style}"/>'
            return told + "".join(_marker(marker, *point, ms, color) for point in points if marker)

        self._drawn.append((zorder, made))

    def scatter(
        self,
        x: Sequence[float],
        y: Sequence[float],
        *,
        s: Sequence[float],
        edgecolors: str,
        facecolors: str,
        linewidths: float,
        zorder: float = 1.0,
        **_: Any,
    ) -> None:
        """Draw dots; `s` are squares of their diameters in points."""
        style = f"fill:{facecolors};stroke:{edgecolors};stroke-width:{linewidths:g}"

        def made() -> str:
            return "".join(
                f'<circle cx="{self._across(a):.2f}" cy="{self._down(b):.2f}" r="{area**0.5 / 2:.2f}" style="{style}"/>'
                for a, b, area in zip(x, y, s, strict=True)
            )

        self._drawn.append((zorder, made))

    def barh(self, y: float, width: float, height: float, *, color: str, alpha: float, **_: Any) -> None:
        """Draw a bar from 0 to `width`, around `y`."""
        self._drawn.append(
            (1.0, lambda: self._bar((0.0, width), (y - height / 2, y + height / 2), color, alpha))
        )

    def hist(
        self,
        values: Sequence[float],
        *,
        bins: int,
        range: Ends,  # noqa: A002  matplotlib's name
        color: str,
        alpha: float,
        **_: Any,
    ) -> None:
        """Draw how many values are in each of so many bins, and set the ends of the axes by them."""
        counts, edges = np.histogram(values, bins=bins, range=range)
        room = 0.05 * (range[1] - range[0])
        self.set_xlim(range[0] - room, range[1] + room)
        self.set_ylim(0, 1.05 * max(1, int(counts.max())))
        for count, low, high in zip(counts.tolist(), edges[:-1].tolist(), edges[1:].tolist(), strict=True):
            bar = (low, high), (0.0, float(count)), color, alpha
            self._drawn.append((1.0, lambda bar=bar: self._bar(*bar)))  # type: ignore[misc]

    def _bar(self, across: Ends, down: Ends, color: str, alpha: float) -> str:
        left, right = sorted(self._across(each) for each in across)
        top, bottom = sorted(self._down(each) for each in down)
        return (
            f'<rect x="{left:.2f}" y="{top:.2f}" width="{right - left:.2f}" height="{bottom - top:.2f}" '
            f'style="fill:{color};opacity:{alpha:g}"/>'
        )

    def fill_between(
        self,
        x: Sequence[float],
        low: Sequence[float],
        high: Sequence[float],
        *,
        color: str,
        alpha: float,
        **_: Any,
    ) -> None:
        """Fill a band."""

        def made() -> str:
            there = [(self._across(a), self._down(b)) for a, b in zip(x, low, strict=True)]
            back = [(self._across(a), self._down(b)) for a, b in zip(x, high, strict=True)]
            style = f"fill:{color};opacity:{alpha:g}"
            return f'<path clip-path="url(#clip)" d="{_path([*there, *back[::-1]])}Z" style="{style}"/>'

        self._drawn.append((1.0, made))

    def axvline(self, x: float, *, color: str, lw: float, ls: Dash = "-") -> None:
        """Draw an upright line through the axes."""

        def made() -> str:
            return _line((self._across(x), self._top), (self._across(x), self._bottom), color, lw, ls)

        self._drawn.append((2.0, made))

    def text(
        self,
        x: float,
        y: float,
        text: str,
        *,
        ha: str = "left",
        va: str = "baseline",
        fontsize: float = _LABEL,
        color: str | None = None,
        bbox: object = None,
    ) -> None:
        """Write at a point; with a box the letters have a rim of the paper's colour."""
        style = "" if bbox is None else f";paint-order:stroke;stroke:{light('paper')};stroke-width:2.5"
        self._drawn.append(
            (
                3.0,
                lambda: _text(
                    text, self._across(x), self._down(y), fontsize, color or light("ink"), ha, va, style
                ),
            )
        )

    def annotate(
        self,
        text: str,
        xy: Ends,
        xytext: Ends,
        *,
        xycoords: str | tuple[str, str] = "data",
        ha: str = "left",
        va: str = "baseline",
        fontsize: float = _LABEL,
        fontweight: str = "normal",
        color: str | None = None,
        zorder: float = 3.0,
        **_: Any,
    ) -> None:
        """Write so many points right of and above a point, whose height may be a share of the axes'."""

        def made() -> str:
            share = xycoords == ("data", "axes fraction")
            down = self._bottom - xy[1] * (self._bottom - self._top) if share else self._down(xy[1])
            style = ";font-weight:bold" if fontweight == "bold" else ""
            at = self._across(xy[0]) + xytext[0], down - xytext[1]
            return _text(text, *at, fontsize, color or light("ink"), ha, va, style)

        self._drawn.append((zorder, made))

    def set_title(self, text: str, **_: Any) -> None:
        """Write above the axes, to the left."""
        self._title = text

    def set_xlabel(self, text: str) -> None:
        """Write below the axes."""
        self._x.title = text

    def set_ylabel(self, text: str) -> None:
        """Write left of the axes."""
        self._y.title = text

    def set_xlim(self, low: float, high: float) -> None:
        """Set the ends of the axis."""
        self._x.ends = low, high

    def set_ylim(self, low: float, high: float) -> None:
        """Set the ends of the axis, the lower one first; it may be the larger."""
        self._y.ends = low, high

    def get_xlim(self) -> Ends:
        """Return the ends of the axis."""
        return self._x.ends

    def get_ylim(self) -> Ends:
        """Return the ends of the axis, the lower one first."""
        return self._y.ends

    def set_xticks(self, places: Iterable[float], labels: Iterable[str] | None = None) -> None:
        """Set where the axis is marked, and with what; without labels with the numbers."""
        _mark(self._x, places, labels)

    def set_yticks(self, places: Iterable[float], labels: Iterable[str] | None = None) -> None:
        """Set where the axis is marked, and with what; without labels with the numbers."""
        _mark(self._y, places, labels)

    def get_yticklabels(self) -> list[_Label]:
        """Return the labels of the marks that were set."""
        return self._y.labels

    def tick_params(self, *, axis: str, length: float, pad: float, labelcolor: str) -> None:
        """Set how the marks of an axis look."""
        side = self._x if axis == "x" else self._y
        side.length, side.pad, side.colour = length, pad, labelcolor

    def grid(self, *, visible: bool, axis: str = "both") -> None:
        """Show or hide lines at the marks."""
        for name, side in (("x", self._x), ("y", self._y)):
            side.grid = visible if axis in (name, "both") else side.grid

    def set_aspect(self, how: str) -> None:
        """Make the axes as wide as high, where their ends are the same."""
        assert how == "equal"
        left, top, width, height = self._box
        side = min(width, height)
        self._box = left + (width - side) / 2, top + (height - side) / 2, side, side

    def set_axis_off(self) -> None:
        """Hide the axes; what is drawn on them stays."""
        self._framed = False

    def svg(self) -> str:
        """Return the figure as SVG."""
        width, height = self._size
        left, top, wide, high = self._box
        inside = f'<rect x="{left:.2f}" y="{top:.2f}" width="{wide:.2f}" height="{high:.2f}"/>'
        body = [f'<defs><clipPath id="clip">{inside}</clipPath></defs>']
        # Stable: of one order what was drawn later lies above.
        parts = [(order, made()) for order, made in self._drawn]
        if self._framed:
            body += self._grid_lines()
        body += [text for order, text in sorted(parts, key=lambda part: part[0]) if order < _FRAME]
        if self._framed:
            body += self._frame()
        body += [text for order, text in sorted(parts, key=lambda part: part[0]) if order >= _FRAME]
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.2f} {height:.2f}" '
            f'width="{width:.2f}pt" height="{height:.2f}pt">{"".join(body)}</svg>'
        )

    @property
    def _top(self) -> float:
        return self._box[1]

    @property
    def _bottom(self) -> float:
        return self._box[1] + self._box[3]

    def _across(self, x: float) -> float:
        low, high = self._x.ends
        return self._box[0] + (x - low) / (high - low) * self._box[2]

    def _down(self, y: float) -> float:
        low, high = self._y.ends
        return self._bottom - (y - low) / (high - low) * self._box[3]

    def _ticks(self, side: _Side) -> list[tuple[float, _Label]]:
        """Return the marks within the ends of an axis: those that were set, or round numbers."""
        places, labels = side.places, side.labels
        if places is None:
            length = self._box[2] if side is self._x else self._box[3]
            room = 3.0 if side is self._x else 2.0  # letters are higher than lines are apart
            low, high = sorted(side.ends)
            places, texts = round_numbers(low, high, max(1, min(9, int(length / (_TICK * room)))))
            labels = [_Label(text) for text in texts]
        low, high = sorted(side.ends)
        return [(place, label) for place, label in zip(places, labels, strict=True) if low <= place <= high]

    def _grid_lines(self) -> list[str]:
        left, right = self._box[0], self._box[0] + self._box[2]
        lines = []
        if self._x.grid:
            for place, _ in self._ticks(self._x):
                x = self._across(place)
                lines.append(_line((x, self._top), (x, self._bottom), light("grid"), _THIN))
        if self._y.grid:
            for place, _ in self._ticks(self._y):
                y = self._down(place)
                lines.append(_line((left, y), (right, y), light("grid"), _THIN))
        return lines

    def _frame(self) -> list[str]:
        """Return sides, marks, labels and titles."""
        left, right, muted = self._box[0], self._box[0] + self._box[2], light("muted")
        parts = []
        if self.spines["left"].visible:
            parts.append(_line((left, self._top), (left, self._bottom), muted, _THIN))
        if self.spines["bottom"].visible:
            parts.append(_line((left, self._bottom), (right, self._bottom), muted, _THIN))
        for place, label in self._ticks(self._x):
            x, y, weight = self._across(place), self._bottom, _weight(label)
            parts.append(_line((x, y), (x, y + self._x.length), muted, _THIN) if self._x.length else "")
            below = y + self._x.length + self._x.pad
            parts.append(_text(label.text, x, below, _TICK, self._x.colour, "center", "top", weight))
        for place, label in self._ticks(self._y):
            y, weight = self._down(place), _weight(label)
            parts.append(_line((left - self._y.length, y), (left, y), muted, _THIN) if self._y.length else "")
            beside = left - self._y.length - self._y.pad
            parts.append(_text(label.text, beside, y, _TICK, self._y.colour, "right", "center", weight))
        bold = ";font-weight:bold"
        parts.append(_text(self._title, left, self._top - 5, _TITLE, light("ink"), "left", "baseline", bold))
        middle = (left + right) / 2, (self._top + self._bottom) / 2
        parts.append(_text(self._x.title, middle[0], self._size[1] - 3, _LABEL, muted, "center", "baseline"))
        parts.append(
            _text(self._y.title, _LABEL, middle[1], _LABEL, muted, "center", "baseline", turned=True)
        )
        return parts


_FRAME = 2.5
"""The order of the axes themselves: above lines, below texts."""


def round_numbers(low: float, high: float, most: int) -> tuple[list[float], list[str]]:
    """Return round numbers from `low` to `high`, in at most `most` steps of 1, 2, 2.5 or 5 times a power of ten."""
    rough = (high - low) / most
    power = 10.0 ** floor(log10(rough))
    step = next(power * each for each in _STEPS if power * each >= rough or isclose(power * each, rough))
    first = -floor(-low / step + 1e-9)
    places = [step * k for k in range(first, floor(high / step + 1e-9) + 1)]
    decimals = max(0, next((d for d in range(12) if isclose(round(step, d), step)), 12))
    return places, [f"{place + 0.0:.{decimals}f}".replace("-", "−") for place in places]


def _mark(side: _Side, places: Iterable[float], labels: Iterable[str] | None) -> None:
    side.places = list(places)
    side.labels = [_Label(text) for text in (map("{:g}".format, side.places) if labels is None else labels)]


def _weight(label: _Label) -> str:
    return ";font-weight:bold" if label.weight == "bold" else ""


def _path(points: Iterable[Ends]) -> str:
    return "M" + "L".join(f"{x:.2f} {y:.2f}" for x, y in points)


def _line(start: Ends, end: Ends, color: str, lw: float, ls: Dash = "-") -> str:
    return f'<path d="{_path([start, end])}" style="fill:none;stroke:{color};stroke-width:{lw:g}{_dashes(ls, lw)}"/>'


def _dashes(ls: Dash, lw: float) -> str:
    """Return the property of a dashed line; the dashes are in widths of the line, as matplotlib's are."""
    if isinstance(ls, str):
        return ""
    return f";stroke-dasharray:{' '.join(f'{each * lw:g}' for each in ls[1])}"


def _marker(kind: str, x: float, y: float, size: float, color: str) -> str:
    half = size / 2
    if kind == "o":
        return f'<circle cx="{x:.2f}" cy="{y:.2f}" r="{half:.2f}" style="fill:{color}"/>'
    if kind == "x":
        ways = (((-1, -1), (1, 1)), ((-1, 1), (1, -1)))
        return "".join(
            _line((x + half * a[0], y + half * a[1]), (x + half * b[0], y + half * b[1]), color, 1.0)
            for a, b in ways
        )
    corners = [(x + half * a, y + half * b) for a, b in _SHAPES[kind]]
    return f'<path d="{_path(corners)}Z" style="fill:{color}"/>'


def _text(
    text: str,
    x: float,
    y: float,
    size: float,
    color: str,
    ha: str,
    va: str,
    more: str = "",
    *,
    turned: bool = False,
) -> str:
    if not text:
        return ""
    y += {"center": 0.36, "top": 0.76, "bottom": -0.24}.get(va, 0.0) * size
    anchor = {"center": "middle", "right": "end"}.get(ha, "start")
    turn = f' transform="rotate(-90 {x:.2f} {y:.2f})"' if turned else ""
    style = f"font-size:{size:g}px;text-anchor:{anchor};fill:{color}{more}"
    return f'<text x="{x:.2f}" y="{y:.2f}"{turn} style="{style}">{escape(text)}</text>'
