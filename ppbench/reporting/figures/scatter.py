"""Clean error against mean error, with the lines of equal R_net."""

from typing import Any

import numpy as np

from ppbench.reporting.figures.axes import Axes
from ppbench.reporting.figures.palette import light, series
from ppbench.reporting.report_content import ReportContent
from ppbench.scoring.formulas import r_net

_LINES = 7
"""About so many lines of equal R_net."""

_LABEL = 0.12
"""About the width of a line's label, as a share of the axis."""

_CLEAR = 4
"""With more models than these, their intervals step back behind the points."""


def points(content: ReportContent) -> dict[int, tuple[float, float]]:
    """Return place of a model -> its clean error and its mean error, of those that have both."""
    return {
        place: (model.clean_error, model.mean_error)
        for place, model in enumerate(content.scores.models)
        if model.clean_error is not None and model.mean_error is not None
    }


def reference_points(content: ReportContent) -> list[tuple[str, float, float]]:
    """Return name, clean error and mean error of the published results that have both."""
    return [
        (row.model, row.clean_error, row.mean_error)
        for row in content.references
        if row.clean_error is not None and row.mean_error is not None
    ]


def can_be_drawn(content: ReportContent) -> bool:
    """Return whether any model has a clean error and a mean error."""
    return bool(points(content))


def draw(axes: Axes, content: ReportContent) -> None:
    """Draw each model at its clean error and mean error (per cent), published results as small crosses."""
    found, published = points(content), reference_points(content)
    faint = 0.7 if len(found) <= _CLEAR else 0.25
    for place, (clean, mean) in found.items():
        style, ends = series(place), content.scores.models[place].intervals
        if "clean" in ends:
            axes.plot(ends["clean"], [mean, mean], color=style.colour, lw=1, alpha=faint)
        if "mean_error" in ends:
            axes.plot([clean, clean], ends["mean_error"], color=style.colour, lw=1, alpha=faint)
        axes.plot(clean, mean, color=style.colour, marker=style.marker, ms=7, ls="", zorder=3)
        axes.annotate(
            style.letter, (clean, mean), (6, 5), textcoords="offset points", fontsize=9, fontweight="bold",
            color=style.colour, zorder=4,
        )  # fmt: skip
    for number, (_, clean, mean) in enumerate(published, 1):
        axes.plot(clean, mean, color=light("muted"), marker="x", ms=4, ls="")
        axes.annotate(
            str(number), (clean, mean), (4, 2), textcoords="offset points", fontsize=6.5, color=light("muted")
        )
    _room(axes, content)
    _iso_lines(axes, content)
    axes.set_xlabel("clean error E, %")
    axes.set_ylabel("mean error ME, % (not normalised)")


def _room(axes: Axes, content: ReportContent) -> None:
    """Give both axes the same scale per point of error where the points allow, and room around all of them."""
    found, published = points(content), reference_points(content)
    clean = [x for x, _ in found.values()] + [x for _, x, _ in published]
    mean = [y for _, y in found.values()] + [y for _, _, y in published]
    for place in found:
        ends = content.scores.models[place].intervals
        clean += ends.get("clean", ())
        mean += ends.get("mean_error", ())
    for values, limit in ((clean, axes.set_xlim), (mean, axes.set_ylim)):
        low, high = min(values), max(values)
        pad = max(0.12 * (high - low), 0.6)
        limit(max(0.0, low - pad), min(100.0, high + pad))


def _iso_lines(axes: Axes, content: ReportContent) -> None:
    """Draw ME = ME_b + E_b − E − 2·E_b·R/100 for round values of R: `r_net` solved for the mean error."""
    base = points(content).get(content.models.index(content.baseline))
    if base is None or base[0] <= 0:
        return
    (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    corners = [r_net(x, y, *base) for x in (left, right) for y in (bottom, top)]
    step = _round_step((max(corners) - min(corners)) / _LINES)
    x = np.array([left, right])
    for k in range(int(min(corners) // step) + 1, int(max(corners) // step) + 1):
        value = k * step
        y = base[1] + base[0] - x - 2 * base[0] * value / 100
        zero = k == 0
        axes.plot(
            x, y, color=light("muted"), lw=1.1 if zero else 0.6, ls="-" if zero else (0, (4, 4)), zorder=1
        )
        _label_line(axes, f"R = {value:+g}".replace("-", "−") if value else "R = 0", base, value)
    axes.set_xlim(left, right)
    axes.set_ylim(bottom, top)
    axes.grid(visible=False)


def _label_line(axes: Axes, text: str, base: tuple[float, float], value: float) -> None:
    """Name a line where it leaves the picture: at the right edge, or else at the bottom."""
    (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    total = base[1] + base[0] - 2 * base[0] * value / 100  # E + ME, the same all along the line
    look: dict[str, Any] = {"textcoords": "offset points", "fontsize": 6.5, "annotation_clip": False}
    look["color"] = light("muted")
    if bottom <= total - right <= top:
        axes.annotate(text, (right, total - right), (3, 0), va="center", **look)
    elif left + _LABEL * (right - left) < total - bottom < right:  # nearer to the axis it would lie across it
        axes.annotate(text, (total - bottom, bottom), (-1, 4), ha="right", **look)


def _round_step(rough: float) -> float:
    """Return the round number (1, 2 or 5 times a power of ten) next above `rough`."""
    power = 10.0 ** np.floor(np.log10(rough))
    return float(next(power * each for each in (1, 2, 5, 10) if power * each >= rough))


def described(content: ReportContent) -> str:
    """Return the figure in words."""
    told = [
        f"{content.models[place]}: clean error {clean:.2f} %, mean error {mean:.2f} %"
        for place, (clean, mean) in points(content).items()
    ]
    return f"Clean error against mean error, with lines of equal R_net against {content.baseline}. {'; '.join(told)}."
