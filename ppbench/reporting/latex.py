"""The tables as LaTeX for the booktabs package: the content of `table.tex`."""

from collections.abc import Iterable, Sequence

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

_SPECIAL = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "–": "--",
    "±": r"$\pm$",
    **{mark: f"\\{mark}" for mark in "&%$#_{}"},
}


def render(scores: Scores, context: TableContext) -> str:
    """Return two tabulars, the summary and the corruptions, and in comments what the numbers rest on."""
    lines = [f"% {label}: {' '.join(text.split())}" for label, text in provenance_lines(scores, context)]
    heading = ["model", *summary_columns(scores)]
    lines += ["", *_tabular(heading, [_body(summary_rows(scores))])]
    parts = [_body([Row(section.title, ()), *section.rows]) for section in benchmark_sections(scores)]
    parts.append(_body([mean_row(scores)]))
    extra = extra_section(scores)
    if extra.rows:
        parts.append(_body([Row(extra.title, ()), *extra.rows]))
    names = [model.model for model in scores.models]
    lines += ["", f"% {cell_heading(scores)} per corruption", *_tabular(["corruption", *names], parts)]
    return "\n".join(lines) + "\n"


def escaped(text: str) -> str:
    """Keep a text from being read as LaTeX."""
    return "".join(_SPECIAL.get(mark, mark) for mark in text)


def _tabular(heading: Sequence[str], parts: Iterable[Sequence[str]]) -> list[str]:
    lines = [rf"\begin{{tabular}}{{l{'r' * (len(heading) - 1)}}}", r"\toprule"]
    lines.append(rf"{' & '.join(escaped(text) for text in heading)} \\")
    for part in parts:
        lines += [r"\midrule", *part]
    return [*lines, r"\bottomrule", r"\end{tabular}"]


def _body(rows: Iterable[Row]) -> list[str]:
    lines = []
    for row in rows:
        cells = [
            rf"\textbf{{{_number(cell)}}}" if index in row.best else _number(cell)
            for index, cell in enumerate(row.cells)
        ]
        lines.append(rf"{' & '.join([escaped(row.title), *cells])} \\")
    return lines


def _number(cell: str) -> str:
    """Set a leading minus as one; digits need no mathematics, in which bold would have no effect."""
    text = escaped(cell.replace("( ", "("))
    return f"$-${text[1:]}" if text.startswith("-") and not text.startswith("--") else text
