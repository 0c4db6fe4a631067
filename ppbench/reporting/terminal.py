"""The tables as a terminal shows them: as many models side by side as fit, the best of each row in bold."""

import re
import sys
from collections.abc import Iterable, Sequence
from math import ceil

from rich import box
from rich.cells import cell_len
from rich.console import Console, RenderableType
from rich.table import Table as Grid
from rich.text import Text

from ppbench.reporting.layout import Row, Table, cell_heading, tables
from ppbench.reporting.provenance_line import TableContext
from ppbench.reporting.reference_rows import lines_below
from ppbench.scoring.references import Reference
from ppbench.scoring.scorecard import Scores
from ppbench.spelling import spelled

_GAP = 2
_CELL = len("104.2 (31.49)") + _GAP
_TITLE = len("  elastic_transform")
_NUMBER = len("100.00")


def show(
    scores: Scores,
    context: TableContext,
    references: Sequence[Reference] = (),
    console: Console | None = None,
) -> None:
    """Print the tables: CE per corruption, a summary per model, and what the numbers rest on.

    Args:
        scores: what to show.
        context: what the numbers rest on.
        references: published results to stand below the summary.
        console: where to; the default is stdout, without colour where it is no terminal.
    """
    console = console or Console(file=sys.stdout, highlight=False)
    summary, corruptions = tables(scores, references)
    parts: list[RenderableType] = []
    for models in _side_by_side(len(scores.models), console.width):
        parts += [_corruptions(corruptions, cell_heading(scores), models, console.width), ""]
    parts += [_summary(summary, console.width), "", footer(lines_below(scores, context, references))]
    print_parts(console, parts)


def print_parts(console: Console, parts: Sequence[RenderableType]) -> None:
    """Print one below the other; a file or a pipe gets no trailing blanks, which rich fills its lines with."""
    if console.is_terminal:
        console.print(*parts, sep="\n")
        return
    with console.capture() as capture:
        console.print(*parts, sep="\n")
    console.file.write("".join(f"{line.rstrip()}\n" for line in capture.get().splitlines()))


def say(sentence: str) -> None:
    """Print a sentence to stdout: broken between words on a terminal, on one line in a file or a pipe."""
    console = Console(file=sys.stdout, highlight=False)
    console.print(Text(printable(sentence)), soft_wrap=not console.is_terminal)


def _side_by_side(models: int, width: int) -> list[range]:
    """Share the models out over as few tables as the width allows, evenly."""
    fit = max(1, (width - _TITLE) // _CELL)
    each = ceil(models / ceil(models / fit))
    return [range(start, min(start + each, models)) for start in range(0, models, each)]


def _grid() -> Grid:
    # The box puts one more blank between columns.
    return Grid(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, _GAP - 1, 0, 0), show_edge=False)


def _corruptions(table: Table, heading: str, models: Sequence[int], width: int) -> Grid:
    grid = _grid()
    grid.add_column(table.stub, no_wrap=True, vertical="bottom")
    room = max(_CELL, (width - _TITLE) // len(models)) - _GAP
    for index in models:
        above = Text(f"{wrapped(table.columns[index], room)}\n{heading}")
        grid.add_column(above, justify="right", max_width=room, overflow="fold", vertical="bottom")
    for section in table.sections:
        if not section.title or section.apart:
            grid.add_section()
        if section.title:
            grid.add_row(Text(section.title, style="dim"))
        for row in section.rows:
            _add_row(grid, row, models, ("  " if section.title else "") + row.title)
    return grid


def _add_row(grid: Grid, row: Row, columns: Sequence[int], title: str) -> None:
    # Text, not str: a model called "[red]" is a name and no mark-up.
    cells = [Text(row.cells[index], style="bold" if index in row.best else "") for index in columns]
    grid.add_row(Text(title), *cells)
    if any(row.halves):
        grid.add_row(Text(""), *(Text(row.halves[index]) for index in columns))


def _summary(table: Table, width: int) -> Grid:
    headings = [name.split() for name in table.columns]
    widths = [max(_NUMBER, *map(len, words)) for words in headings]
    room = width - sum(widths) - _GAP * len(widths)
    grid = _grid()
    grid.add_column(table.stub, vertical="bottom", overflow="fold")
    for words, column in zip(headings, widths, strict=True):
        grid.add_column("\n".join(words), justify="right", min_width=column, vertical="bottom")
    for section in table.sections:
        if section.title:
            grid.add_section()
            grid.add_row(Text(wrapped(section.title, room), style="dim"))
        for row in section.rows:
            name = f"{row.title} [{row.mark}]" if row.mark else row.title
            _add_row(grid, row, range(len(row.cells)), wrapped(name, room))
    return grid


def wrapped(name: str, width: int) -> str:
    """Break a name that is too long for its column, after a hyphen or the like where there is one."""
    lines = [""]
    for part in re.findall(r".+?(?:[-_/.:+ ]+|$)", printable(name)):
        if lines[-1] and cell_len(lines[-1]) + cell_len(part.rstrip()) > width:
            lines.append("")
        lines[-1] += part
    return "\n".join(line.rstrip() for line in lines)


def printable(text: str) -> str:
    """Return a text without what moves the cursor, colours or turns the line round: a mark stands in its place."""
    return "".join(mark if mark.isprintable() else "\N{REPLACEMENT CHARACTER}" for mark in spelled(text))


def footer(lines: Iterable[tuple[str, str]]) -> Grid:
    """Return (label, text) pairs in two columns, the text wrapped."""
    table = Grid.grid(padding=(0, _GAP, 0, 0))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for label, text in lines:
        table.add_row(Text(label), Text(printable(" ".join(text.split()))))
    return table
