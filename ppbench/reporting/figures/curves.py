"""Error against severity, one panel a corruption."""

from ppbench.reporting.figures.axes import Axes
from ppbench.reporting.figures.palette import series
from ppbench.reporting.report_content import ReportContent
from ppbench.scoring.cell import Cell
from ppbench.scoring.names import OTHER, PLUGIN, in_order

_BANDS = 3
"""With more models than these, the bands of their intervals would hide each other."""


def corruptions(content: ReportContent) -> tuple[str, ...]:
    """Return the corruptions that any model was measured on, in the order of the benchmark."""
    return in_order(name for table in content.tables for name in table.corruptions)


def title(corruption: str) -> str:
    """Return a corruption's name as figures and pages show it."""
    return corruption.removeprefix(PLUGIN).removeprefix(OTHER).replace("_", " ")


def top(content: ReportContent, corruption: str | None = None) -> float:
    """Return the end of the axis of error, per cent: the least multiple of 10 with room.

    Args:
        content: of the report.
        corruption: whose panel it is; None where all panels share an axis.
    """
    errors = [
        cell.interval[1] if cell.interval else cell.error
        for model, table in enumerate(content.tables)
        for name in (table.corruptions if corruption is None else [corruption])
        for cell in points(content, model, name).values()
    ]
    return min(100.0, 10.0 * (int(max(errors, default=0.0) // 10) + 1))


def points(content: ReportContent, model: int, corruption: str) -> dict[int, Cell]:
    """Return severity -> cell of a model on a corruption, the clean images as severity 0."""
    table = content.tables[model]
    found = {} if table.clean is None else {0: table.clean}
    return found | {s: cell for (c, s), cell in table.cells.items() if c == corruption}


def draw(axes: Axes, content: ReportContent, corruption: str, *, shared: bool = False) -> None:
    """Draw every model's error (per cent) on a corruption against its severity, 0 the clean images.

    Args:
        axes: where to.
        content: of the report.
        corruption: which one.
        shared: whether all panels have one axis, or each its own.
    """
    for index in range(len(content.tables)):
        style = series(index)
        found = points(content, index, corruption)
        if len(found) == (0 in found):
            continue  # measured on other corruptions only
        severities = list(found)
        errors = [cell.error for cell in found.values()]
        ends = [cell.interval or (cell.error, cell.error) for cell in found.values()]
        if len(content.tables) <= _BANDS:
            axes.fill_between(
                severities,
                [low for low, _ in ends],
                [high for _, high in ends],
                color=style.colour,
                alpha=0.16,
                lw=0,
            )
        axes.plot(
            severities, errors, color=style.colour, marker=style.marker, ls=style.dash, label=content.models[index],
            clip_on=False, ms=3.4, lw=1.3,
        )  # fmt: skip
    axes.set_title(title(corruption))
    axes.set_xlim(-0.15, 5.15)
    axes.set_xticks(range(6), ["clean", "1", "2", "3", "4", "5"])
    axes.set_ylim(0, top(content, None if shared else corruption))
    axes.grid(visible=False, axis="x")


def described(content: ReportContent, corruption: str) -> str:
    """Return the panel in words: from where to where each model's error goes."""
    parts = []
    for index, model in enumerate(content.models):
        found = points(content, index, corruption)
        worst = max((s for s in found if s), default=None)
        if worst is None:
            continue
        start = "" if 0 not in found else f"from {found[0].error:.1f} % on clean images "
        parts.append(f"{model}: {start}to {found[worst].error:.1f} % at severity {worst}")
    return f"Error against severity of {title(corruption)}. " + "; ".join(parts) + "."
