"""Tables as Markdown: for `table.md`, a pull request or a job summary."""

import re
from collections.abc import Iterable, Sequence

from ppbench.reporting.table import Cell, Document, Row, Section, Table


def render(*documents: Document) -> str:
    """Return the tables of some documents, each with what its numbers rest on."""
    return "\n".join("\n".join(_lines(each)) + "\n" for each in documents)


def _lines(document: Document) -> list[str]:
    lines = [f"{'#' * document.level} {escaped(document.title)}", ""]
    for place, table in enumerate(document.tables):
        if place:
            lines += ["", f"{'#' * (document.level + 1)} {table.heading}", ""]
        lines += _pipes(table, [section for section in table.sections if not section.apart])
        for section in table.sections:
            if section.apart:
                title = section.title[0].upper() + section.title[1:]
                lines += ["", f"{'#' * (document.level + 2)} {title}", "", *_pipes(table, [section])]
    if document.notes_title:
        lines += ["", f"{'#' * (document.level + 1)} {document.notes_title}"]
    return [*lines, "", *(f"- **{escaped(label)}**: {escaped(text)}" for label, text in document.notes)]


def _pipes(table: Table, sections: Iterable[Section]) -> list[str]:
    """Return a pipe table; it has no sub-headings, so a row says what section it is of."""
    rule = "".join("--:|" if column.kind == "number" else ":--|" for column in table.columns)
    lines = [_line([table.stub, *(escaped(column.title) for column in table.columns)]), f"|:--|{rule}"]
    for section in sections:
        lines += [_line([_title(row), *map(_cell, row.cells)]) for row in section.rows]
    return lines


def _title(row: Row) -> str:
    if row.mark:
        return f"*{escaped(row.title)}* {escaped(f'[{row.mark}]')}"
    if row.code:
        return f"`{row.title}`"
    title = escaped(row.alone or row.title)
    return f"**{title}**" if row.strong else title


def _cell(cell: Cell) -> str:
    plain = re.fullmatch(r"\[[-+\d., ]+\]", cell.text)  # an interval is no link
    text = (cell.text if plain else escaped(cell.text)) + (f" ({cell.second})" if cell.second else "")
    text = f"**{text}**" if cell.strong else text
    return " ".join(part for part in (cell.sign, text, cell.interval) if part)


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def escaped(text: str) -> str:
    """Keep a text from being read as mark-up; an underscore inside a word is none, as in gaussian_noise."""
    return re.sub(r"[\\`*\[\]<>|~$]|&(?=#?\w+;)|(?<!\w)_|_(?!\w)", r"\\\g<0>", " ".join(text.split()))
