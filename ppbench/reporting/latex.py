"""Tables as LaTeX for the booktabs package, and for siunitx where wanted: the content of `table.tex`."""

import re
from collections.abc import Iterable, Iterator

from ppbench.reporting.table import Cell, Column, Document, Row, Table
from ppbench.reporting.tex_text import UNICODE, escaped, needs_unicode

_SETUP = r"\sisetup{detect-weight=true, mode=text}"
"""Lets siunitx set a bold number in bold, in its versions 2 and 3."""

_NUMBER = re.compile(r"-?\d+(\.\d+)?")


def render(document: Document, *, siunitx: bool = False) -> str:
    r"""Return a tabular per table, and in comments what the numbers rest on.

    Args:
        document: the tables; a published row has a ``\cite`` of its sources.
        siunitx: align the numbers at their points, in columns of the siunitx package.
    """
    lines = [f"% {label}: {' '.join(text.split())}" for label, text in document.notes]
    packages = "booktabs and siunitx" if siunitx else "booktabs"
    lines += [f"% The preamble needs the package{'s' * siunitx} {packages}.", *[_SETUP] * siunitx]
    body: list[str] = []
    for table in document.tables:
        body += ["", f"% {table.caption}", *_tabular(table, siunitx)]
    return "\n".join([*lines, *[UNICODE] * needs_unicode("\n".join(body)), *body]) + "\n"


def _tabular(table: Table, siunitx: bool) -> list[str]:
    each = 2 if len(table.parts) == 2 else 1
    columns = "".join(
        _column(table, index, place, siunitx) for index in range(len(table.columns)) for place in range(each)
    )
    lines = [rf"\begin{{tabular}}{{l{columns}}}", r"\toprule", *_heading(table, siunitx)]
    for section in table.sections:
        lines.append(r"\midrule")
        if section.title:
            lines.append(
                rf"\multicolumn{{{1 + each * len(table.columns)}}}{{l}}{{{escaped(section.title)}}} \\"
            )
        lines += [line for row in section.rows for line in _row(row, table.columns, each, siunitx)]
    return [*lines, r"\bottomrule", r"\end{tabular}"]


def _heading(table: Table, siunitx: bool) -> list[str]:
    names = [escaped(column.title) for column in table.columns]
    if len(table.parts) < 2:
        # Braces: a column of numbers would try to read the words.
        names = [f"{{{name}}}" if siunitx else name for name in names]
        return [rf"{' & '.join([table.stub, *names])} \\"]
    wide = [rf"\multicolumn{{2}}{{c}}{{{name}}}" for name in names]
    rules = [rf"\cmidrule(lr){{{2 * place + 2}-{2 * place + 3}}}" for place in range(len(wide))]
    words = [f"{{{word}}}" if siunitx else word for word in table.parts] * len(wide)
    return [rf"{' & '.join(['', *wide])} \\", "".join(rules), rf"{' & '.join([table.stub, *words])} \\"]


def _row(row: Row, columns: Iterable[Column], each: int, siunitx: bool) -> Iterator[str]:
    cells = []
    for cell, column in zip(row.cells, columns, strict=True):
        digits = siunitx and column.kind == "number"
        # What stands first decides which stands out; a second number may be lowest elsewhere.
        cells += [_text(cell.text, cell.strong, digits), *[_text(cell.second, False, digits)] * (each - 1)]
    title = escaped(row.title)
    if row.cite:
        title += rf"~\cite{{{','.join(row.cite)}}}"
    elif row.mark:
        title += f"~[{row.mark}]"
    yield rf"{' & '.join([title, *cells])} \\"
    if any(cell.ends for cell in row.cells):
        # Braces again: an interval is no number of the column.
        small = [rf"{{\footnotesize {_plain(cell.interval)}}}" if cell.ends else "" for cell in row.cells]
        yield rf"{' & '.join(['', *small])} \\"


def _text(text: str, strong: bool, digits: bool) -> str:
    """Return what stands in a cell; in a column of siunitx's anything but a number needs braces."""
    if not digits or not _NUMBER.fullmatch(text):
        shown = rf"\textbf{{{_plain(text)}}}" if strong else _plain(text)
        return f"{{{shown}}}" if digits and text else shown
    return rf"\bfseries {text}" if strong else text


def _plain(text: str) -> str:
    """Set a minus before a digit as one; digits need no mathematics, in which bold would have no effect."""
    return re.sub(r"(?<![\w.])-(?=\d)", "$-$", escaped(text))


def _column(table: Table, index: int, place: int, siunitx: bool) -> str:
    """Return how a column is set: as text, to the right, or as siunitx's with room for the longest number."""
    if table.columns[index].kind == "text":
        return "l"
    if not siunitx:
        return "r"
    cells: list[Cell] = [row.cells[index] for section in table.sections for row in section.rows]
    texts = [cell.second if place else cell.text for cell in cells]
    known = [text.partition(".") for text in texts if _NUMBER.fullmatch(text)]
    whole = max((len(first.lstrip("-")) for first, _, _ in known), default=1)
    sign = "-" if any(first.startswith("-") for first, _, _ in known) else ""
    return f"S[table-format={sign}{whole}.{max((len(last) for _, _, last in known), default=1)}]"
