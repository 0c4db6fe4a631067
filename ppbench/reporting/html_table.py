"""Tables as plain HTML, to be pasted into a wiki or a notebook: no script and hardly any style."""

from html import escape

from ppbench.reporting.table import Cell, Document, Row, Table

_STYLE = "table{border-collapse:collapse;margin:1em 0}th,td{padding:.1em .6em}td{text-align:right}th{text-align:left}"


def render(document: Document) -> str:
    """Return a page of the tables and what the numbers rest on; what stands out is strong."""
    lines = [
        "<!DOCTYPE html>",
        f'<html lang="en"><head><meta charset="utf-8"><title>{escape(document.title)}</title>',
        f"<style>{_STYLE}</style></head><body>",
        *_body(document),
        "</body></html>",
    ]
    return "\n".join(lines) + "\n"


def fragment(document: Document) -> str:
    """Return the same without a page around it and without a style: a notebook has its own."""
    return "\n".join(["<div>", *_body(document), "</div>"]) + "\n"


def _body(document: Document) -> list[str]:
    lines = [line for table in document.tables for line in _table(table)]
    lines.append("<dl>")
    lines += [f"<dt>{escape(label)}</dt><dd>{escape(text)}</dd>" for label, text in document.notes]
    return [*lines, "</dl>"]


def _table(table: Table) -> list[str]:
    names = (table.stub, *(column.title for column in table.columns))
    heads = "".join(f'<th scope="col">{escape(name)}</th>' for name in names)
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
    return f'<tr><th scope="row">{title}</th>{"".join(map(_cell, row.cells))}</tr>'


def _cell(cell: Cell) -> str:
    text = escape(cell.text + (f" ({cell.second})" if cell.second else ""))
    text = f"<strong>{text}</strong>" if cell.strong else text
    return f"<td>{' '.join(part for part in (text, escape(cell.interval)) if part)}</td>"
