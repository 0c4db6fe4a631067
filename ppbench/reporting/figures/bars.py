"""CE of each corruption, by group, with intervals; mean errors where there is no normaliser."""

from ppbench.reporting.figures.axes import Axes
from ppbench.reporting.figures.curves import title
from ppbench.reporting.figures.palette import light, series
from ppbench.reporting.report_content import ReportContent
from ppbench.scoring.names import GROUPS

_NUMBERED = 4
"""With more models than these, bars are too thin for numbers."""

MEAN = "mean of the group"

Bar = tuple[float, tuple[float, float] | None]
"""A value and its interval."""


def groups(content: ReportContent) -> tuple[str, ...]:
    """Return the groups that have a corruption with a score."""
    return tuple(group for group in GROUPS if any(bars(content, group).values()))


def bars(content: ReportContent, group: str) -> dict[str, dict[int, Bar]]:
    """Return row -> place of a model -> its bar; the rows are the group's corruptions and their mean."""
    rows: dict[str, dict[int, Bar]] = {}
    for name in GROUPS[group]:
        key = f"{content.bar_part}.{name}"
        rows[name] = {
            place: (model.by_name[key], model.intervals.get(key))
            for place, model in enumerate(content.scores.models)
            if key in model.by_name
        }
    rows = {name: found for name, found in rows.items() if found}
    if len(rows) > 1:
        rows[MEAN] = {
            place: (found.value, found.interval)
            for place, model in enumerate(content.models)
            for found in content.groups[model]
            if found.group == group
        }
    return {name: found for name, found in rows.items() if found}


def top(content: ReportContent) -> float:
    """Return the end of the axis that all groups share."""
    values = [
        ends[1] if ends else value
        for group in GROUPS
        for row in bars(content, group).values()
        for value, ends in row.values()
    ]
    return 1.02 * max([*values, 1.0]) * (1.1 if len(content.models) <= _NUMBERED else 1.0)


def height(content: ReportContent, group: str) -> float:
    """Return the height in inches that a group's panel needs."""
    models, rows = len(content.models), len(bars(content, group))
    return 0.5 + rows * (0.12 + max(0.16, models * _thickness(models)))


def _thickness(models: int) -> float:
    return 0.155 if models <= _NUMBERED else 0.105 if models <= 2 * _NUMBERED else 0.075


def _letters(models: int) -> float:
    return 6.5 if models <= _NUMBERED else 5.5 if models <= 2 * _NUMBERED else 4.5


def scale(content: ReportContent) -> str:
    """Return what the bars are measured in."""
    divisor = content.scores.normaliser
    return "mean error, %" if divisor is None else f"CE, {divisor.name} = 100"


def draw(axes: Axes, content: ReportContent, group: str) -> None:
    """Draw a group's corruptions as rows of bars, a bar a model, with 95 % intervals; all groups share the axis."""
    rows = bars(content, group)
    models = len(content.models)
    step = 0.82 / models
    end = top(content)
    values: list[tuple[float, float, str]] = []
    for row, (name, found) in enumerate(rows.items()):
        for place, (value, ends) in found.items():
            style = series(place)
            y = row + (place - (models - 1) / 2) * step
            axes.barh(y, value, 0.86 * step, color=style.colour, alpha=0.95 if name == MEAN else 0.62, lw=0)
            if ends is not None and ends[0] < ends[1]:
                axes.plot(ends, [y, y], color=light("ink"), lw=0.9, solid_capstyle="butt")
            axes.text(
                -0.008 * end, y, style.letter, ha="right", va="center", fontsize=_letters(models),
                color=light("muted"),
            )  # fmt: skip
            if models <= _NUMBERED:
                edge = max(value, ends[1] if ends else value)
                values.append((edge + 0.012 * end, y, f"{value:.1f}"))
    if content.bar_part == "ce":
        axes.axvline(100, color=light("muted"), lw=0.9, ls=(0, (4, 3)))
    for x, y, text in values:  # over the line, which would cross digits out
        axes.text(
            x, y, text, va="center", fontsize=7,
            bbox={"boxstyle": "square,pad=0.1", "fc": light("paper"), "lw": 0},
        )  # fmt: skip
    axes.set_title(group)
    axes.set_xlim(0, end)
    axes.set_ylim(len(rows) - 0.45, -0.55)
    axes.set_yticks(range(len(rows)), [title(name) for name in rows])
    axes.tick_params(axis="y", length=0, pad=10, labelcolor=light("ink"))
    if MEAN in rows:
        axes.get_yticklabels()[-1].set_fontweight("bold")
    axes.spines["left"].set_visible(False)
    axes.grid(visible=False, axis="y")


def described(content: ReportContent, group: str) -> str:
    """Return a group's panel in words: the mean of every model, or its bars where there is no mean."""
    rows = bars(content, group)
    name, found = list(rows.items())[-1]
    told = [
        f"{content.models[place]} {value:.1f}" + (f" ({ends[0]:.1f} to {ends[1]:.1f})" if ends else "")
        for place, (value, ends) in found.items()
    ]
    return f"{scale(content)}, of the {group} corruptions; {title(name)}: {'; '.join(told)}."
