"""A comparison of two models for the terminal, as Markdown, as LaTeX and as CSV."""

import csv
import io
import sys
from collections.abc import Sequence
from dataclasses import asdict
from typing import Final

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ppbench.reporting.comparison_layout import (
    Line,
    corruption_heading,
    corruption_lines,
    explanations,
    headline_lines,
)
from ppbench.reporting.markdown import escaped
from ppbench.reporting.terminal import footer, print_parts, printable
from ppbench.reporting.tex_text import UNICODE, needs_unicode
from ppbench.reporting.tex_text import escaped as escaped_tex
from ppbench.scoring.comparison import Comparison

FORMATS: Final = ("md", "csv", "latex", "json")
"""What `ppbench compare --format` can be."""

_WIDE = 92
"""From this width on there is room for both models' values and the p-value."""

_MIDDLE = 76
"""From this width on there is room for both models' values."""

_STYLES = {"better": "green", "worse": "red", "undecided": "dim"}


Facts = Sequence[tuple[str, str]]
"""What the numbers rest on: (label, text), from the caller."""


def show(comparison: Comparison, facts: Facts = (), console: Console | None = None) -> None:
    """Print a comparison: what is decided, score by score.

    Args:
        comparison: what to show.
        facts: what it rests on.
        console: where to; the default is stdout, without colour where it is no terminal.
    """
    console = console or Console(file=sys.stdout, highlight=False)
    title = Text(printable(f"{comparison.second} against {comparison.first}"), style="bold")
    notes = footer([*explanations(comparison), *facts])
    print_parts(console, [title, "", _table(comparison, console.width), "", notes])


def _table(comparison: Comparison, width: int) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0), show_edge=False)
    table.add_column("score", no_wrap=True)
    headings = ["difference", "interval"]
    if width >= _MIDDLE:
        headings = ["first", "second", *headings]
    if width >= _WIDE:
        headings.append("p")
    for heading in headings:
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("verdict", no_wrap=True)
    for line in headline_lines(comparison):
        _add(table, line, headings)
    table.add_section()
    table.add_row(Text(corruption_heading(comparison), style="dim"))
    for line in corruption_lines(comparison):
        _add(table, line, headings, indent="  ")
    return table


def _add(table: Table, line: Line, headings: list[str], indent: str = "") -> None:
    cells = {
        "first": line.first,
        "second": line.second,
        "difference": line.difference,
        "interval": line.ends,
        "p": line.p,
    }
    verdict = Text(line.verdict, style=_STYLES[line.verdict])
    table.add_row(indent + line.title, *(cells[heading] for heading in headings), verdict)


def markdown(comparison: Comparison, facts: Facts = ()) -> str:
    """Return a comparison as Markdown; what is decided is in bold."""
    names = [escaped(comparison.first), escaped(comparison.second)]
    part = corruption_heading(comparison)
    rows = [
        f"| score | {names[0]} | {names[1]} | difference | interval | p | verdict |",
        "|:--|--:|--:|--:|--:|--:|:--|",
        *(_markdown_row(line, line.title) for line in headline_lines(comparison)),
        *(_markdown_row(line, f"{part} {line.title}") for line in corruption_lines(comparison)),
    ]
    notes = [f"- **{label}**: {escaped(text)}" for label, text in (*explanations(comparison), *facts)]
    return "\n".join([f"## {names[1]} against {names[0]}", "", *rows, "", *notes]) + "\n"


def _markdown_row(line: Line, title: str) -> str:
    verdict = line.verdict if line.verdict == "undecided" else f"**{line.verdict}**"
    cells = (title, line.first, line.second, line.difference, line.ends, line.p, verdict)
    return f"| {' | '.join(cells)} |"


def latex(comparison: Comparison, facts: Facts = ()) -> str:
    """Return a comparison as a LaTeX table for the booktabs package; what is decided is in bold."""
    names = [escaped_tex(comparison.first), escaped_tex(comparison.second)]
    rows = [
        r"\begin{tabular}{lrrrll}",
        r"\toprule",
        rf"score & {names[0]} & {names[1]} & difference & interval & verdict \\",
        r"\midrule",
        *(_latex_row(line) for line in headline_lines(comparison)),
        r"\midrule",
        *(_latex_row(line) for line in corruption_lines(comparison)),
        r"\bottomrule",
        r"\end{tabular}",
    ]
    notes = [f"% {label}: {' '.join(text.split())}" for label, text in (*explanations(comparison), *facts)]
    return "\n".join([*notes, *[UNICODE] * needs_unicode("".join(names)), *rows]) + "\n"


def _latex_row(line: Line) -> str:
    difference, first, second = (_minus(text) for text in (line.difference, line.first, line.second))
    verdict = line.verdict if line.verdict == "undecided" else rf"\textbf{{{line.verdict}}}"
    return (
        rf"{escaped_tex(line.title)} & {first} & {second} & {difference} & {_minus(line.ends)} & {verdict} \\"
    )


def csv_text(comparisons: Sequence[Comparison]) -> str:
    """Return a row per pair of models and score, cells too, in full precision; an unknown p-value is empty.

    Columns: ``first_model``, ``second_model``, those of `Difference`, and ``images``.
    """
    rows = [
        {"first_model": pair.first, "second_model": pair.second, **asdict(each), "images": pair.images}
        for pair in comparisons
        for each in (*pair.headlines, *pair.corruptions, *pair.cells)
    ]
    out = io.StringIO()
    writer = csv.DictWriter(out, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def _minus(text: str) -> str:
    """Set numbers in mathematics, so that a minus is a minus."""
    return " ".join(f"${word}$" if word[-1].isdigit() else word for word in text.split())
