"""The tables as a terminal shows them: as many models side by side as fit, the best of each row in bold."""

import re
import sys
from collections.abc import Iterable, Sequence
from dataclasses import replace
from math import ceil

from rich import box
from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from ppbench.reporting.layout import (
    Row,
    Section,
    benchmark_sections,
    cell_heading,
    extra_section,
    mean_row,
    summary_columns,
    summary_rows,
)
from ppbench.reporting.provenance_line import TableContext, provenance_lines
from ppbench.scoring.scorecard import Scores

_GAP = 2
_CELL = len("104.2 (31.49)") + _GAP
_TITLE = len("  elastic_transform")
_NUMBER = len("100.00")


def show(scores: Scores, context: TableContext, console: Console | None = None) -> None:
    """Print the tables: CE per corruption, a summary per model, and what the numbers rest on.

    Args:
        scores: what to show.
        context: what the numbers rest on.
        console: where to; the default is stdout, without colour where it is no terminal.
    """
    console = console or Console(file=sys.stdout, highlight=False)
    parts: list[RenderableType] = []
    for models in _side_by_side(len(scores.models), console.width):
        parts += [_corruptions(scores, models, console.width), ""]
    parts += [_summary(scores, console.width), "", footer(provenance_lines(scores, context))]
    print_parts(console, parts)


def print_parts(console: Console, parts: Sequence[RenderableType]) -> None:
    """Print one below the other; a file or a pipe gets no trailing blanks, which rich fills its lines with."""
    if console.is_terminal:
        console.print(*parts, sep="\n")
        return
    with console.capture() as capture:
        console.print(*parts, sep="\n")
    console.file.write("".join(f"{line.rstrip()}\n" for line in capture.get().splitlines()))


def _side_by_side(models: int, width: int) -> list[range]:
    """Share the models out over as few tables as the width allows, evenly."""
    fit = max(1, (width - _TITLE) // _CELL)
    each = ceil(models / ceil(models / fit))
    return [range(start, min(start + each, models)) for start in range(0, models, each)]


def _grid() -> Table:
    # The box puts one more blank between columns.
    return Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, _GAP - 1, 0, 0), show_edge=False)


def _corruptions(scores: Scores, models: Sequence[int], width: int) -> Table:
    table = _grid()
    table.add_column("corruption", no_wrap=True, vertical="bottom")
    room = max(_CELL, (width - _TITLE) // len(models)) - _GAP
    for index in models:
        name = _wrapped(scores.models[index].model, room)
        heading = Text(f"{name}\n{cell_heading(scores)}")
        table.add_column(heading, justify="right", max_width=room, overflow="fold", vertical="bottom")
    for section in benchmark_sections(scores):
        _add_section(table, section, models)
    table.add_section()
    _add_row(table, mean_row(scores), models)
    extra = extra_section(scores)
    if extra.rows:
        table.add_section()
        _add_section(table, extra, models)
    return table


def _add_section(table: Table, section: Section, columns: Sequence[int]) -> None:
    table.add_row(Text(section.title, style="dim"))
    for row in section.rows:
        _add_row(table, row, columns, indent="  ")


def _add_row(table: Table, row: Row, columns: Sequence[int], indent: str = "") -> None:
    # Text, not str: a model called "[red]" is a name and no mark-up.
    cells = [Text(row.cells[index], style="bold" if index in row.best else "") for index in columns]
    table.add_row(Text(indent + row.title), *cells)


def _summary(scores: Scores, width: int) -> Table:
    headings = [name.split() for name in summary_columns(scores)]
    widths = [max(_NUMBER, *map(len, words)) for words in headings]
    room = width - sum(widths) - _GAP * len(widths)
    table = _grid()
    table.add_column("model", vertical="bottom")
    for words, column in zip(headings, widths, strict=True):
        table.add_column("\n".join(words), justify="right", min_width=column, vertical="bottom")
    for row in summary_rows(scores):
        _add_row(table, replace(row, title=_wrapped(row.title, room)), range(len(row.cells)))
    return table


def _wrapped(name: str, width: int) -> str:
    """Break a name that is too long for its column, after a hyphen or the like where there is one."""
    lines = [""]
    for part in re.findall(r".+?(?:[-_/.:]+|$)", name):
        if lines[-1] and len(lines[-1]) + len(part) > width:
            lines.append("")
        lines[-1] += part
    return "\n".join(lines)


def footer(lines: Iterable[tuple[str, str]]) -> Table:
    """Return (label, text) pairs in two columns, the text wrapped."""
    table = Table.grid(padding=(0, _GAP, 0, 0))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for label, text in lines:
        table.add_row(label, Text(text))
    return table
