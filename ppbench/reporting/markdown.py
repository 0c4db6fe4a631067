"""The tables as Markdown, for `table.md`, a pull request or a job summary."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace

from ppbench.reporting.layout import (
    Row,
    benchmark_sections,
    cell_heading,
    extra_section,
    mean_row,
    summary_columns,
    summary_rows,
)
from ppbench.reporting.provenance_line import TableContext, provenance_lines
from ppbench.scoring.scorecard import Scores


def render(scores: Scores, context: TableContext) -> str:
    """Return the summary, the corruptions with CE and mean error, and what the numbers rest on."""
    names = [model.model for model in scores.models]
    lines = [
        "# Robustness to common corruptions",
        "",
        *_table(["model", *summary_columns(scores)], _merged(summary_rows(scores))),
        "",
        f"## {'Mean error' if scores.normaliser is None else 'CE (mean error)'} per corruption",
        "",
    ]
    rows = [
        Row(f"{row.title} ({section.title})", row.cells, row.best)
        for section in benchmark_sections(scores)
        for row in section.rows
    ]
    mean = mean_row(scores)
    heading = [cell_heading(scores), *names]
    lines += _table(heading, [*rows, mean], strong=len(rows))
    extra = extra_section(scores)
    if extra.rows:
        lines += ["", f"### {extra.title.capitalize()}", "", *_table(heading, extra.rows)]
    lines += ["", "## What the numbers rest on", ""]
    lines += [f"- **{label}**: {escaped(text)}" for label, text in provenance_lines(scores, context)]
    return "\n".join(lines) + "\n"


def _table(heading: Sequence[str], rows: Iterable[Row], strong: int | None = None) -> list[str]:
    """Return a pipe table, the best cells in bold; the title of row `strong` too."""
    lines = [_line([escaped(text) for text in heading]), "|:--|" + "--:|" * (len(heading) - 1)]
    for number, row in enumerate(rows):
        cells = [f"**{cell}**" if index in row.best else cell for index, cell in enumerate(row.cells)]
        title = f"**{row.title}**" if number == strong else escaped(row.title)
        lines.append(_line([title, *(cell.replace("( ", "(") for cell in cells)]))
    return lines


def _merged(rows: Iterable[Row]) -> list[Row]:
    """Put the intervals, which have rows of their own without a title, beside the values they belong to."""
    merged: list[Row] = []
    for row in rows:
        if row.title:
            merged.append(row)
        else:
            above = merged[-1]
            cells = tuple(
                f"{value} {half}".rstrip() for value, half in zip(above.cells, row.cells, strict=True)
            )
            merged[-1] = replace(above, cells=cells)
    return merged


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def escaped(text: str) -> str:
    """Keep a text from being read as mark-up; an underscore inside a word is none, as in gaussian_noise."""
    return re.sub(r"[\\`*\[\]<>|]|(?<!\w)_|_(?!\w)", r"\\\g<0>", " ".join(text.split()))
