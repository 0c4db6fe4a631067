"""The errors of every cell on a terminal: corruptions down, severities across, colour behind the numbers.

Without a terminal the numbers stand alone, and say the same.
"""

import sys
from collections.abc import Iterable, Sequence
from math import fsum

from rich.console import Console, RenderableType
from rich.style import Style
from rich.table import Table
from rich.text import Text

from ppbench.reporting.figures.palette import cividis
from ppbench.reporting.provenance_line import TableContext, data_sentence
from ppbench.reporting.table import NONE
from ppbench.reporting.terminal import footer, print_parts, wrapped
from ppbench.scoring.errors_table import ErrorTable
from ppbench.scoring.names import CLEAN, GROUPS, OTHER, SEVERITIES, in_no_mean, in_order

_NAME = len("elastic_transform")
_WIDE = len(" 100.0")
_NARROW = len(" 100")
_COLUMNS = len(SEVERITIES) + 1
"""Of a model: the severities and their mean."""


def show(tables: Sequence[ErrorTable], context: TableContext, console: Console | None = None) -> None:
    """Print a heatmap per model, as many side by side as fit; in a narrow terminal without decimals.

    Args:
        tables: the errors of each model; what was not measured is a dash.
        context: what they rest on.
        console: where to; the default is stdout, without colour where it is no terminal.
    """
    console = console or Console(file=sys.stdout, highlight=False)
    largest = max((cell.error for table in tables for cell in table.cells.values()), default=0.0) or 1.0
    decimals = 1 if console.width > _NAME + _COLUMNS * _WIDE else 0
    room = 1 + _COLUMNS * (_WIDE if decimals else _NARROW)
    beside = console.width >= _NAME + room
    fit = max(1, (console.width - _NAME) // room) if beside else 1
    parts: list[RenderableType] = []
    for first in range(0, len(tables), fit):
        parts += [_grid(tables[first : first + fit], largest, decimals, beside=beside), ""]
    scale = f"from 0 (dark) to {largest:.1f} (light)" if console.color_system else "no colours here"
    lines = [
        ("errors", f"top-1, per cent, at severities 1 to 5 and in the mean over those measured; {scale}"),
        ("data", data_sentence(context)),
    ]
    print_parts(console, [*parts, footer(lines)])


def _grid(tables: Sequence[ErrorTable], largest: float, decimals: int, *, beside: bool) -> Table:
    width = (_WIDE if decimals else _NARROW) * _COLUMNS
    grid = Table.grid(padding=0)
    if beside:
        grid.add_column(no_wrap=True, vertical="bottom")
    for _ in tables:
        grid.add_column(min_width=width + 1, max_width=width + 1, overflow="fold", vertical="bottom")

    def add(title: Text, cells: Sequence[Text]) -> None:
        if beside:
            grid.add_row(title, *cells)
        else:  # no room for both: the name has a line of its own
            for part in (title, *cells):
                grid.add_row(part)

    # Text, not str: a model called "[red]" is a name and no mark-up.
    names = [wrapped(table.model, width).replace("\n", "\n ") for table in tables]
    add(Text(), [Text(f" {name}", style="bold") for name in names])
    add(Text(), [_heads(decimals)] * len(tables))
    clean = [None if table.clean is None else table.clean.error for table in tables]
    add(Text(CLEAN), [Text(f" {_number(error, decimals)}") for error in clean])
    for title, corruptions in _groups(tables):
        grid.add_row(Text(title, style="dim"))
        for name in corruptions:
            add(
                Text(name.removeprefix(OTHER)),
                [_cells(table.errors_of(name), largest, decimals) for table in tables],
            )
    return grid


def _groups(tables: Sequence[ErrorTable]) -> Iterable[tuple[str, Sequence[str]]]:
    measured = in_order(name for table in tables for name in table.corruptions)
    for title, names in GROUPS.items():
        if present := [name for name in names if name in measured]:
            yield title, present
    yield from in_no_mean(measured).items()


def _heads(decimals: int) -> Text:
    width = _WIDE if decimals else _NARROW
    return Text(
        " " + "".join(f"{head:>{width}}" for head in (*SEVERITIES, "mean" if decimals else "avg")),
        style="dim",
    )


def _cells(errors: dict[int, float], largest: float, decimals: int) -> Text:
    line = Text(" ")
    for severity in SEVERITIES:
        error = errors.get(severity)
        style = Style() if error is None else _style(error / largest)
        line.append(_number(error, decimals), style)
    mean = fsum(errors.values()) / len(errors) if errors else None
    return line.append(_number(mean, decimals))


def _number(error: float | None, decimals: int) -> str:
    width = _WIDE if decimals else _NARROW
    return f"{NONE if error is None else f'{error:.{decimals}f}':>{width}}"


def _style(share: float) -> Style:
    """Return the colour of a share (0..1) of the largest error, with the ink that can be read on it."""
    red, green, blue = cividis(share)
    # Luma as in Rec. 601: light enough for black ink.
    ink = "#000000" if 0.299 * red + 0.587 * green + 0.114 * blue > 125 else "#ffffff"
    return Style(color=ink, bgcolor=f"rgb({red},{green},{blue})")
