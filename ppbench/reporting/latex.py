"""The tables as LaTeX for the booktabs package, and for siunitx where wanted: the content of `table.tex`."""

from collections.abc import Iterable, Sequence

from ppbench.reporting.layout import NONE, Row, Table, tables
from ppbench.reporting.provenance_line import TableContext
from ppbench.reporting.reference_rows import lines_below
from ppbench.reporting.tex_text import UNICODE, escaped, needs_unicode
from ppbench.scoring.references import Reference
from ppbench.scoring.scorecard import Scores

_SETUP = r"\sisetup{detect-weight=true, mode=text}"
"""Lets siunitx set a bold number in bold, in its versions 2 and 3."""


def render(
    scores: Scores, context: TableContext, references: Sequence[Reference] = (), *, siunitx: bool = False
) -> str:
    r"""Return two tabulars, the summary and the corruptions, and in comments what the numbers rest on.

    Args:
        scores: what was measured.
        context: what it rests on.
        references: published results below the summary, each with a ``\cite`` of its sources.
        siunitx: align the numbers at their points, in columns of the siunitx package.
    """
    lines = [
        f"% {label}: {' '.join(text.split())}" for label, text in lines_below(scores, context, references)
    ]
    packages = "booktabs and siunitx" if siunitx else "booktabs"
    lines += [f"% The preamble needs the package{'s' * siunitx} {packages}.", *[_SETUP] * siunitx]
    body: list[str] = []
    for table in tables(scores, references):
        body += ["", f"% {table.caption}", *_tabular(table, siunitx)]
    return "\n".join([*lines, *[UNICODE] * needs_unicode("\n".join(body)), *body]) + "\n"


def _tabular(table: Table, siunitx: bool) -> list[str]:
    each = max(1, len(table.numbers))
    columns = "".join(_columns(table, siunitx)) if siunitx else "r" * (each * len(table.columns))
    lines = [rf"\begin{{tabular}}{{l{columns}}}", r"\toprule", *_heading(table, siunitx)]
    for section in table.sections:
        lines.append(r"\midrule")
        if section.title:
            lines.append(
                rf"\multicolumn{{{1 + each * len(table.columns)}}}{{l}}{{{escaped(section.title)}}} \\"
            )
        lines += [line for row in section.rows for line in _row(row, each, siunitx)]
    return [*lines, r"\bottomrule", r"\end{tabular}"]


def _heading(table: Table, siunitx: bool) -> list[str]:
    if not table.numbers:
        # Braces: a column of numbers would try to read the words.
        names = [f"{{{escaped(name)}}}" if siunitx else escaped(name) for name in table.columns]
        return [rf"{' & '.join([table.stub, *names])} \\"]
    wide = [rf"\multicolumn{{2}}{{c}}{{{escaped(name)}}}" for name in table.columns]
    rules = [rf"\cmidrule(lr){{{2 * place + 2}-{2 * place + 3}}}" for place in range(len(wide))]
    words = [f"{{{word}}}" if siunitx else word for word in table.numbers] * len(wide)
    return [rf"{' & '.join(['', *wide])} \\", "".join(rules), rf"{' & '.join([table.stub, *words])} \\"]


def _row(row: Row, each: int, siunitx: bool) -> Iterable[str]:
    cells = []
    for index, numbers in enumerate(row.numbers):
        # What stands first decides which is best; a second number may be lowest elsewhere.
        cells += [
            _number(numbers[0], index in row.best, siunitx),
            *(_number(n, False, siunitx) for n in numbers[1:]),
        ]
        cells += [_number("", False, siunitx)] * (each - len(numbers))
    title = escaped(row.title)
    if row.cite:
        title += rf"~\cite{{{','.join(row.cite)}}}"
    elif row.mark:
        title += f"~[{row.mark}]"
    yield rf"{' & '.join([title, *cells])} \\"
    if any(row.halves):
        # Braces again: ± and half a width is no number of the column.
        small = [rf"{{\footnotesize {escaped(half)}}}" if half else "" for half in row.halves]
        yield rf"{' & '.join(['', *small])} \\"


def _number(text: str, best: bool, siunitx: bool) -> str:
    """Set a leading minus as one; digits need no mathematics, in which bold would have no effect."""
    if text in ("", NONE):
        return f"{{{escaped(text)}}}" if siunitx and text else escaped(text)
    if siunitx:
        return rf"\bfseries {text}" if best else text
    shown = f"$-${text[1:]}" if text.startswith("-") else text
    return rf"\textbf{{{shown}}}" if best else shown


def _columns(table: Table, siunitx: bool) -> Iterable[str]:
    """Yield an S column per number, with room for the longest of it."""
    assert siunitx
    for index in range(len(table.columns)):
        for place in range(max(1, len(table.numbers))):
            texts = [
                row.numbers[index][place]
                for section in table.sections
                for row in section.rows
                if place < len(row.numbers[index])
            ]
            known = [text.partition(".") for text in texts if text != NONE]
            whole = max((len(first.lstrip("-")) for first, _, _ in known), default=1)
            sign = "-" if any(first.startswith("-") for first, _, _ in known) else ""
            yield f"S[table-format={sign}{whole}.{max((len(last) for _, _, last in known), default=1)}]"
