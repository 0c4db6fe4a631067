"""The figures as files for a paper: SVG and PNG, one column (3.3 inches) or two (6.9 inches) wide."""

from collections.abc import Iterator
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING

from ppbench import atomic
from ppbench.errors import InputError
from ppbench.reporting.figures import bars, calibration, canvas, curves, heatmap, kernels, scatter
from ppbench.reporting.figures.palette import light, series
from ppbench.reporting.report_content import ReportContent

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLUMN = 3.3
PAGE = 6.9

_IN_A_COLUMN = 4
"""The bars of more models than these take two columns."""


def write_plots(content: ReportContent, folder: Path) -> list[Path]:
    """Write every figure of a report as SVG and as PNG (300 dots an inch) into a folder; return the files.

    Args:
        content: of the report.
        folder: is made where it is not there; files of the same names are replaced.

    Raises:
        InputError: the folder cannot be made or written to.
    """
    written = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with canvas.style():
            for name, figure in _figures(content):
                for suffix, data in ((".svg", canvas.svg(figure).encode()), (".png", canvas.png(figure))):
                    atomic.write_bytes(folder / (name + suffix), data)
                    written.append(folder / (name + suffix))
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise InputError(
            f"expected a folder that can be written to, got {str(folder)!r}: {reason}; choose another with --plots"
        ) from error
    return written


def _figures(content: ReportContent) -> "Iterator[tuple[str, Figure]]":
    names = curves.corruptions(content)
    base = content.models.index(content.baseline)
    for place in range(len(content.models)):
        stem = _file_name(place, content)
        yield f"heatmap-{stem}", _heatmap(content, place, len(names), difference=False)
        if place != base:
            yield f"difference-{stem}", _heatmap(content, place, len(names), difference=True)
    if bars.groups(content):
        yield "bars", _bars(content)
    yield "curves", _curves(content, names)
    if scatter.can_be_drawn(content):
        figure, axes = _alone(COLUMN, COLUMN * 0.9)
        scatter.draw(axes, content)
        _legend(figure, content)
        yield "clean-against-mean-error", figure
    yield "calibration", _calibration(content)
    for stem_kernels in content.stems:
        place = content.models.index(stem_kernels.model)
        if stem_kernels.push is not None:
            rows = ceil(len(stem_kernels.push) / kernels.COLUMNS)
            figure, axes = _alone(PAGE, 0.3 + rows * PAGE / kernels.COLUMNS * 2.1)
            kernels.draw(axes, stem_kernels)
            yield f"kernels-{_file_name(place, content)}", figure
        if stem_kernels.strengths is not None:
            figure, axes = _alone(COLUMN, 1.8)
            kernels.draw_strengths(axes, stem_kernels, place)
            yield f"strengths-{_file_name(place, content)}", figure


def _alone(width: float, height: float) -> "tuple[Figure, Axes]":
    figure, made = canvas.grid(width, height, 1, 1)
    return figure, made[0]


def _file_name(place: int, content: ReportContent) -> str:
    """Return a name that any file system takes: the model's letter, and what of its name is plain."""
    plain = "".join(c if c.isascii() and (c.isalnum() or c in "-_.") else "-" for c in content.models[place])
    return f"{series(place).letter}-{plain[:40].strip('-.') or 'model'}"


def _legend(figure: "Figure", content: ReportContent) -> None:
    from matplotlib.lines import Line2D

    handles = [
        Line2D(
            [], [], color=style.colour, marker=style.marker, ls=style.dash, label=f"{style.letter}  {model}"
        )
        for style, model in ((series(place), model) for place, model in enumerate(content.models))
    ]
    wide = figure.get_figwidth() > COLUMN
    figure.legend(handles=handles, loc="outside upper center", ncols=min(len(handles), 3 if wide else 1))


def _heatmap(content: ReportContent, place: int, rows: int, *, difference: bool) -> "Figure":
    figure, axes = _alone(COLUMN, 0.95 + 0.17 * rows)
    heatmap.draw(axes, content, place, difference=difference)
    model = content.models[place]
    axes.set_title(
        f"{model} − {content.baseline}, points" if difference else f"{model}, error in %", wrap=True
    )
    return figure


def _bars(content: ReportContent) -> "Figure":
    found = bars.groups(content)
    columns = 1 if len(content.models) <= _IN_A_COLUMN else min(2, len(found))
    heights = [bars.height(content, group) for group in found]
    rows = [max(heights[start : start + columns]) for start in range(0, len(found), columns)]
    height = sum(rows) + 0.5 + 0.14 * ceil(len(content.models) / columns)
    width = COLUMN if columns == 1 else PAGE
    figure, made = canvas.grid(width, height, len(rows), columns, sharex=True, height_ratios=rows)
    for axes, group in zip(made, found, strict=False):
        bars.draw(axes, content, group)
    for axes in made[len(found) :]:
        axes.set_axis_off()
    figure.supxlabel(bars.scale(content), fontsize=8, color=light("muted"))
    _legend(figure, content)
    return figure


def _shortened(name: str, most: int) -> str:
    return name if len(name) <= most else f"{name[: most - 1]}…"


def _curves(content: ReportContent, names: tuple[str, ...]) -> "Figure":
    columns = min(5, len(names)) or 1
    rows = ceil(len(names) / columns) or 1
    height = 1.25 * rows + 0.6 + 0.14 * ceil(len(content.models) / 3)
    figure, made = canvas.grid(PAGE, height, rows, columns, sharex=True, sharey=True)
    for axes, name in zip(made, names, strict=False):
        curves.draw(axes, content, name, shared=True)
        axes.set_xticks(range(6), ["c", "1", "2", "3", "4", "5"])
    for axes in made[max(0, len(names) - columns) : len(names)]:
        axes.tick_params(labelbottom=True)  # the lowest of each column, above a place that may be empty
    for axes in made[len(names) :]:
        axes.set_axis_off()
    figure.supxlabel("severity (c: clean)", fontsize=8, color=light("muted"))
    figure.supylabel("error, %", fontsize=8, color=light("muted"))
    _legend(figure, content)
    return figure


def _calibration(content: ReportContent) -> "Figure":
    count = len(content.models)
    columns = min(4, count)
    rows = ceil(count / columns)
    side = PAGE / 4
    figure, made = canvas.grid(
        columns * side, rows * (side + 0.25) + 0.3, rows, columns, sharex=True, sharey=True
    )
    for place, axes in enumerate(made):
        if place >= count:
            axes.set_axis_off()
            continue
        calibration.draw(axes, content, place)
        axes.set_title(f"{series(place).letter}  {_shortened(content.models[place], 20)}", fontsize=7.5)
        axes.label_outer()
    return figure
