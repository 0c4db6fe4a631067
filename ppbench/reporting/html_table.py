"""The tables as a plain HTML page, to be pasted into a wiki or a notebook: no script and hardly any style."""

from collections.abc import Sequence
from html import escape

from ppbench.reporting.layout import Row, Table, tables
from ppbench.reporting.provenance_line import TableContext
from ppbench.reporting.reference_rows import lines_below
from ppbench.scoring.references import Reference
from ppbench.scoring.scorecard import Scores

_STYLE = "table{border-collapse:collapse;margin:1em 0}th,td{padding:.1em .6em}td{text-align:right}th{text-align:left}"


def render(scores: Scores, context: TableContext, references: Sequence[Reference] = ()) -> str:
    """Return the summary, the corruptions and what the numbers rest on; the best values are strong."""
    lines = [
        "<!DOCTYPE html>",
        '<html lang="en"><head><meta charset="utf-8"><title>Robustness to common corruptions</title>',
        f"<style>{_STYLE}</style></head><body>",
        *_body(scores, context, references),
        "</body></html>",
    ]
    return "\n".join(lines) + "\n"


def fragment(scores: Scores, context: TableContext, references: Sequence[Reference] = ()) -> str:
    """Return the same without a page around it and without a style: a notebook has its own."""
    return "\n".join(["<div>", *_body(scores, context, references), "</div>"]) + "\n"


def _body(scores: Scores, context: TableContext, references: Sequence[Reference]) -> list[str]:
    lines = [line for table in tables(scores, references) for line in _table(table)]
    lines.append("<dl>")
    for label, text in lines_below(scores, context, references):
        lines.append(f"<dt>{escape(label)}</dt><dd>{escape(text)}</dd>")
    return [*lines, "</dl>"]


def _table(table: Table) -> list[str]:
    heads = "".join(f'<th scope="col">{escape(name)}</th>' for name in (table.stub, *table.columns))
    lines = ["<table>", f"<caption>{escape(table.caption)}</caption>", f"<thead><tr>{heads}</tr></thead>"]
    for section in table.sections:
        lines.append("<tbody>")
        if section.title:
            span = 1 + len(table.columns)
            lines.append(f'<tr><th scope="rowgroup" colspan="{span}">{escape(section.title)}</th></tr>')
        lines += [*map(_row, section.rows), "</tbody>"]
    return [*lines, "</table>"]


def _row(row: Row) -> str:
    title = escape(row.title) + (f" <sup>[{escape(row.mark)}]</sup>" if row.mark else "")
    cells = []
    for index, text in enumerate(row.cells):
        text = escape(text.replace("( ", "("))
        half = f" {escape(row.halves[index])}" if row.halves and row.halves[index] else ""
        cells.append(f"<td>{f'<strong>{text}</strong>' if index in row.best else text}{half}</td>")
    return f'<tr><th scope="row">{title}</th>{"".join(cells)}</tr>'
