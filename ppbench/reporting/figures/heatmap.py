"""Errors and differences, corruption × severity: their numbers, their colours, and the figure of them."""

from typing import TYPE_CHECKING

import numpy as np

from ppbench.reporting.figures.curves import corruptions, title
from ppbench.reporting.figures.palette import cividis, light
from ppbench.reporting.report_content import ReportContent
from ppbench.scoring.errors_table import ErrorTable
from ppbench.scoring.names import SEVERITIES

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Cells = dict[tuple[str, int], float]
"""(corruption, severity) -> error or difference, per cent."""

_LOW, _HIGH = (33, 96, 172), (190, 86, 10)  # better, worse: blue and orange are told apart by everybody


def errors(table: ErrorTable) -> Cells:
    """Return a model's errors."""
    return {key: cell.error for key, cell in table.cells.items()}


def differences(content: ReportContent, place: int) -> Cells:
    """Return a model's errors less the baseline's, in points, of the cells that both have."""
    base = errors(content.tables[content.models.index(content.baseline)])
    return {key: error - base[key] for key, error in errors(content.tables[place]).items() if key in base}


def largest_error(content: ReportContent) -> float:
    """Return the end of the colour scale that all models share."""
    return max([error for table in content.tables for error in errors(table).values()], default=1.0) or 1.0


def largest_difference(content: ReportContent) -> float:
    """Return the end of the colour scale that all differences share, in points."""
    found = [abs(d) for place in range(len(content.tables)) for d in differences(content, place).values()]
    return max(found, default=1.0) or 1.0


def colour_of_error(error: float, largest: float) -> tuple[int, int, int]:
    """Return the colour of an error on a map from 0 to the largest: cividis, the same for every kind of sight."""
    return cividis(error / largest)


def colour_of_difference(points: float, largest: float) -> tuple[tuple[int, int, int], float]:
    """Return the colour of a difference and how much of it, 0..1: blue where it is better, orange where worse."""
    return (_LOW if points < 0 else _HIGH), 0.6 * (abs(points) / largest) ** 0.8


def ink_on(colour: tuple[int, int, int]) -> str:
    """Return black or white, whichever has the greater contrast with a colour (WCAG 2.2, relative luminance)."""
    linear = [
        c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (each / 255 for each in colour)
    ]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return "#000000" if (luminance + 0.05) / 0.05 > 1.05 / (luminance + 0.05) else "#ffffff"


def draw(axes: "Axes", content: ReportContent, place: int, *, difference: bool) -> None:
    """Draw a model's errors, or its differences to the baseline, with the number in every cell."""
    names = corruptions(content)
    found = differences(content, place) if difference else errors(content.tables[place])
    largest = largest_difference(content) if difference else largest_error(content)
    picture = np.ones((len(names), len(SEVERITIES), 4))
    picture[..., 3] = 0.0
    for row, name in enumerate(names):
        for column, severity in enumerate(SEVERITIES):
            value = found.get((name, severity))
            if value is None:
                continue
            if difference:
                colour, share = colour_of_difference(value, largest)
                picture[row, column] = (*(c / 255 for c in colour), share)
                ink, text = light("ink"), f"{value:+.1f}".replace("-", "−") if round(value, 1) else "0.0"
                weight = "bold" if (name, severity) in content.decided[content.models[place]] else "normal"
            else:
                colour = colour_of_error(value, largest)
                picture[row, column] = (*(c / 255 for c in colour), 1.0)
                ink, text, weight = ink_on(colour), f"{value:.1f}", "normal"
            axes.text(column, row, text, ha="center", va="center", fontsize=6.5, color=ink, fontweight=weight)
    axes.imshow(picture, aspect="auto", interpolation="nearest")
    axes.set_xticks(range(len(SEVERITIES)), [str(severity) for severity in SEVERITIES])
    axes.set_yticks(range(len(names)), [title(name) for name in names])
    axes.tick_params(length=0, labelcolor=light("ink"))
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)
    axes.set_xlabel("severity")
