"""The tables as Markdown, for `table.md`, a pull request or a job summary."""

import re
from collections.abc import Iterable, Sequence

from ppbench.reporting.layout import Row, Section, Table, tables
from ppbench.reporting.provenance_line import TableContext
from ppbench.reporting.reference_rows import lines_below
from ppbench.scoring.references import Reference
from ppbench.scoring.scorecard import Scores


def render(scores: Scores, context: TableContext, references: Sequence[Reference] = ()) -> str:
    """Return the summary, the corruptions with CE and mean error, and what the numbers rest on."""
    summary, corruptions = tables(scores, references)
    lines = ["# Robustness to common corruptions", "", *_pipes(summary, summary.sections)]
    lines += ["", f"## {_capital(corruptions.caption)}", ""]
    lines += _pipes(corruptions, [section for section in corruptions.sections if not section.apart])
    for section in corruptions.sections:
        if section.apart:
            lines += ["", f"### {_capital(section.title)}", "", *_pipes(corruptions, [section])]
    lines += ["", "## What the numbers rest on", ""]
    lines += [
        f"- **{escaped(label)}**: {escaped(text)}" for label, text in lines_below(scores, context, references)
    ]
    return "\n".join(lines) + "\n"


def _pipes(table: Table, sections: Iterable[Section]) -> list[str]:
    """Return a pipe table, the best cells in bold; it has no sub-headings, so a row says what section it is of."""
    lines = [_line([table.stub, *map(escaped, table.columns)]), "|:--|" + "--:|" * len(table.columns)]
    for section in sections:
        lines += [_line([_title(row, section, table), *_cells(row)]) for row in section.rows]
    return lines


def _title(row: Row, section: Section, table: Table) -> str:
    if row.mark:
        return f"*{escaped(row.title)}* {escaped(f'[{row.mark}]')}"
    if section.title and not section.apart:
        return f"{escaped(row.title)} ({section.title})"
    return f"**{row.title}**" if table.stub == "corruption" and not section.apart else escaped(row.title)


def _cells(row: Row) -> list[str]:
    texts = [cell.replace("( ", "(") for cell in row.cells]
    if row.halves:
        texts = [f"{text} {half}".rstrip() for text, half in zip(texts, row.halves, strict=True)]
    return [f"**{text}**" if index in row.best else text for index, text in enumerate(texts)]


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]


def escaped(text: str) -> str:
    """Keep a text from being read as mark-up; an underscore inside a word is none, as in gaussian_noise."""
    return re.sub(r"[\\`*\[\]<>|~$]|&(?=#?\w+;)|(?<!\w)_|_(?!\w)", r"\\\g<0>", " ".join(text.split()))
