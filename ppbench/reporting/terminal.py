"""Tables as a terminal shows them: as many columns as fit, and below what every reader needs to know."""

import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from math import ceil
from typing import Literal

from rich import box
from rich.cells import cell_len
from rich.console import Console, RenderableType
from rich.table import Table as Grid
from rich.text import Text

from ppbench.reporting.table import Cell, Document, Notes, Table
from ppbench.spelling import spelled

_GAP = 2
_NUMBER = len("100.00")
_INDENT = "  "

_STUB = 11
"""So much room for the titles is worth more than an interval on one line."""

_LEAST = 4
"""So much room for the titles is worth more than intervals, whose ends are in files."""

_STYLES = {"": "", "good": "green", "bad": "red", "open": "dim", "warning": "yellow"}

Intervals = Literal["whole", "broken", "none"]


def show(document: Document, console: Console | None = None) -> None:
    """Print tables, the first of them last, where a reader sees it first, and in brief what they rest on.

    Args:
        document: what to show.
        console: where to; the default is stdout, without colour where it is no terminal.
    """
    console = console or Console(file=sys.stdout, highlight=False)
    parts: list[RenderableType] = []
    if document.announced:
        style = _STYLES[document.tone] or "bold"
        parts += [Text(printable(document.title), style=style), ""]
    for table in reversed(document.tables):
        for grid in _grids(table, console.width):
            parts += [grid, ""]
    print_parts(console, [*parts, footer(_brief(document, console))])


def _brief(document: Document, console: Console) -> Notes:
    """Return what stands below the tables; what bold means only where it is shown, so not in a file or a pipe."""
    if not document.bold or console.color_system is None:
        return document.brief
    (label, text), *others = document.brief
    return ((label, f"{text}; {document.bold}"), *others)


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


def _grids(table: Table, width: int) -> Iterator[Grid]:
    """Yield the table whole, or its columns shared out evenly over as few grids as the width allows."""
    if not table.splits:
        yield _whole(table, width)
        return
    cell = max(_widest(table, index, "whole") for index in range(len(table.columns))) + _GAP
    titles = [*_titles(table), *(cell_len(section.title) for section in table.sections)]
    stub = min(max(titles), max(_NUMBER, width - cell - _GAP))
    fit = max(1, (width - stub) // cell)
    count = len(table.columns)
    each = ceil(count / ceil(count / fit))
    for start in range(0, count, each):
        columns = range(start, min(start + each, count))
        room = max(cell, (width - stub) // len(columns)) - _GAP
        below = f"\n{table.measured_in}" if table.parts else ""
        heads = [f"{wrapped(table.columns[index].title, room)}{below}" for index in columns]
        yield _grid(table, columns, heads, [room] * len(columns), stub, "whole", fixed=False)


def _whole(table: Table, width: int) -> Grid:
    columns = [index for index, column in enumerate(table.columns) if width >= column.room]
    titles = {index: table.columns[index].short or table.columns[index].title for index in columns}
    # A column of text takes what room is left, so that headings need not be stacked.
    flexible = any(table.columns[index].kind == "text" for index in columns)
    words = {index: [title] if flexible else title.split() for index, title in titles.items()}
    for intervals, least in _CHOICES:
        widths = [
            max(_NUMBER, *map(cell_len, words[index]), _widest(table, index, intervals)) for index in columns
        ]
        stub = width - sum(widths) - _GAP * len(widths)
        if stub >= min(least, max(_titles(table))):
            break
    heads = ["\n".join(words[index]) for index in columns]
    return _grid(table, columns, heads, widths, max(stub, 1), intervals, fixed=True)


_CHOICES: tuple[tuple[Intervals, int], ...] = (("whole", _STUB), ("broken", _LEAST), ("none", 0))


def _grid(
    table: Table,
    columns: Sequence[int],
    heads: Sequence[str],
    widths: Sequence[int],
    stub: int,
    intervals: Intervals,
    *,
    fixed: bool,
) -> Grid:
    """Return the chosen columns with their headings and widths beside titles of at most `stub` letters."""
    # The box puts one more blank between columns.
    grid = Grid(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, _GAP - 1, 0, 0), show_edge=False)
    # What goes on over several lines begins beside the others.
    upright: Literal["top", "bottom"] = (
        "top" if any(table.columns[index].kind == "text" for index in columns) else "bottom"
    )
    grid.add_column(table.stub, vertical=upright, overflow="fold")
    for index, head, width in zip(columns, heads, widths, strict=True):
        if table.columns[index].kind == "text":
            grid.add_column(Text(head), vertical=upright, overflow="fold")
        else:
            least, most = (width, None) if fixed else (None, width)
            grid.add_column(
                Text(head),
                justify="right",
                vertical=upright,
                overflow="fold",
                min_width=least,
                max_width=most,
            )
    for section in table.sections:
        if section.ruled:
            grid.add_section()
        if section.title:
            grid.add_row(Text(wrapped(section.title, stub), style="dim"))
        for row in section.rows:
            title = f"{row.title} [{row.mark}]" if row.mark else row.title
            lines = wrapped(title, stub - len(_INDENT) * bool(section.title)).split("\n")
            indent = _INDENT if section.title else ""
            # Text, not str: a model called "[red]" is a name and no mark-up.
            shown = [_shown(row.cells[index]) for index in columns]
            grid.add_row(Text("\n".join(indent + line for line in lines)), *shown)
            if intervals != "none" and any(row.cells[index].ends for index in columns):
                below = (_interval(row.cells[index], intervals) for index in columns)
                grid.add_row("", *(Text(text, style="dim") for text in below))
    return grid


def _shown(cell: Cell) -> Text:
    text = f"{cell.text} ({cell.second:>5})" if cell.second else cell.text
    return Text(text, style=_STYLES[cell.tone] or ("bold" if cell.strong else ""))


def _interval(cell: Cell, how: Intervals) -> str:
    return cell.interval.replace(" ", "\n") if how == "broken" else cell.interval


def _widest(table: Table, index: int, intervals: Intervals) -> int:
    """Return the width that a column's cells need; of words that of the longest, as they may go on below."""
    cells = [row.cells[index] for section in table.sections for row in section.rows]
    if table.columns[index].kind == "text":
        return max((cell_len(word) for cell in cells for word in cell.text.split()), default=0)
    below = [] if intervals == "none" else [_interval(cell, intervals) for cell in cells]
    texts = [_shown(cell).plain for cell in cells] + [line for text in below for line in text.split("\n")]
    return max(map(cell_len, [*texts, *table.measured_in.split("\n")]))


def _titles(table: Table) -> list[int]:
    """Return the widths of the titles, those of sections aside."""
    return [cell_len(table.stub)] + [
        cell_len(row.title) + len(_INDENT) * bool(section.title)
        for section in table.sections
        for row in section.rows
    ]


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
