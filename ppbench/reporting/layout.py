"""What stands in which row of a table, whatever it is rendered to: text cells and which of them is best."""

from collections.abc import Sequence
from dataclasses import dataclass

from ppbench.reporting.reference_rows import PUBLISHED_MCE, footnotes, mark_of, one_scale
from ppbench.scoring.headlines import CLEAN_ERROR, MCE, MEAN_ERROR, Headline, headlines
from ppbench.scoring.names import EXTRA, GROUPS, in_order
from ppbench.scoring.references import Reference
from ppbench.scoring.scorecard import ModelScores, Scores

NONE = "–"
"""What stands for a score that cannot be known."""


@dataclass(frozen=True)
class Row:
    """A line of a table.

    Attributes:
        title: what the row is about.
        numbers: per column the texts of its one or two numbers.
        best: the columns that hold the lowest of what is shown first (of R_net the highest); empty with one model, or
            where none is known.
        halves: per column ± and half the interval's width, or nothing; empty for a row without intervals.
        mark: of the footnote with the row's source; empty for what was measured.
        cite: BibTeX keys of what is published.
    """

    title: str
    numbers: tuple[tuple[str, ...], ...]
    best: frozenset[int] = frozenset()
    halves: tuple[str, ...] = ()
    mark: str = ""
    cite: tuple[str, ...] = ()

    @property
    def cells(self) -> tuple[str, ...]:
        """One text per column: a second number stands in brackets behind the first."""
        return tuple(
            numbers[0] if len(numbers) == 1 else f"{numbers[0]} ({numbers[1]:>5})" for numbers in self.numbers
        )


@dataclass(frozen=True)
class Section:
    """Rows that belong together, with a title of their own; empty where none is needed.

    Attributes:
        apart: whether its rows must not be read as part of the means above them.
    """

    title: str
    rows: tuple[Row, ...]
    apart: bool = False


@dataclass(frozen=True)
class Table:
    """A table of several sections.

    Attributes:
        caption: what it shows.
        stub: heading of the titles.
        columns: headings of the numbers.
        numbers: what the two numbers of a cell are; empty where each cell has one.
        sections: the rows.
    """

    caption: str
    stub: str
    columns: tuple[str, ...]
    numbers: tuple[str, ...]
    sections: tuple[Section, ...]


def tables(scores: Scores, references: Sequence[Reference] = ()) -> list[Table]:
    """Return what every format shows: the summary, a row per model, and the corruptions, a column per model.

    Args:
        scores: what was measured.
        references: published results to stand below the summary, in a section of their own.
    """
    summary = [Section("", tuple(summary_rows(scores, references)))]
    if references:
        summary.append(Section(PUBLISHED, tuple(reference_rows(scores, references))))
    corruptions = [*benchmark_sections(scores), Section("", (mean_row(scores),))]
    corruptions += apart_sections(scores)
    heading = cell_heading(scores)
    names = tuple(model.model for model in scores.models)
    numbers = () if scores.normaliser is None else ("CE", "error")
    # Over fewer cells than the benchmark's 75 a mean is another number, and must not be quoted as the benchmark's.
    partial = "partial " * scores.misses_cells
    columns = [
        (partial if column.of_cells else "") + column.title for column in summary_columns(scores, references)
    ]
    return [
        Table("summary", "model", tuple(columns), (), tuple(summary)),
        Table(f"{heading} per corruption", "corruption", names, numbers, tuple(corruptions)),
    ]


PUBLISHED = "published results, not measured here"
"""The title of the section of references."""


def benchmark_sections(scores: Scores) -> list[Section]:
    """Return the measured ones of the 15 corruptions in their groups: CE and mean error of each model."""
    return [section for title, names in GROUPS.items() if (section := _section(scores, title, names)).rows]


def apart_sections(scores: Scores) -> list[Section]:
    """Return the measured ones of the extra corruptions, and of the plug-ins, which belong to no mean."""
    plugins = in_order(row.corruption for model in scores.models for row in model.plugins)
    kinds = (("extra (in no mean)", EXTRA), ("plug-ins (in no mean)", plugins))
    return [section for title, names in kinds if (section := _section(scores, title, names, apart=True)).rows]


def _section(scores: Scores, title: str, names: Sequence[str], *, apart: bool = False) -> Section:
    measured = [name for name in names if any(model.row(name) for model in scores.models)]
    return Section(title, tuple(_corruption_row(scores, name) for name in measured), apart)


def cell_heading(scores: Scores) -> str:
    """Return what the two numbers of a corruption's cell are."""
    return "error" if scores.normaliser is None else "CE (error)"


def mean_row(scores: Scores) -> Row:
    """Return the last row of the benchmark's corruptions: mCE and mean error of each model.

    The best is the one with the lowest of what a cell shows first; a mean error can order models otherwise than mCE.
    """
    title = "mean error" if scores.normaliser is None else "mCE (mean error)"
    if scores.misses_cells:
        title = "partial mean error" if scores.normaliser is None else "partial mCE (error)"
    mces = [model.mce for model in scores.models]
    return _paired(scores, title, mces, [model.mean_error for model in scores.models])


def _corruption_row(scores: Scores, name: str) -> Row:
    found = [model.row(name) for model in scores.models]
    errors = [None if row is None else row.mean_error for row in found]
    return _paired(scores, name, [None if row is None else row.ce for row in found], errors)


def _paired(scores: Scores, title: str, ces: list[float | None], errors: list[float | None]) -> Row:
    """Return a row of CE and error per model, or of the error alone where nothing is divided by."""
    if scores.normaliser is None:
        return Row(
            title,
            tuple((_number(error, MEAN_ERROR.decimals),) for error in errors),
            _best(MEAN_ERROR, errors),
        )
    numbers = tuple(
        (NONE,) if error is None else (_number(ce, MCE.decimals), _number(error, MEAN_ERROR.decimals))
        for ce, error in zip(ces, errors, strict=True)
    )
    known = any(ce is not None for ce in ces)
    return Row(title, numbers, _best(MCE, ces if known else errors))


def summary_columns(scores: Scores, references: Sequence[Reference] = ()) -> list[Headline]:
    """Return the columns of the summary; a score that no model can have is left out.

    Published mCEs that were divided by something else than the models' stand in a column of their own.
    """
    normaliser = scores.normaliser
    columns = list(headlines(normaliser=normaliser is not None, baseline=scores.baseline is not None))
    if any(row.mce is not None and not one_scale(row, normaliser) for row in references):
        columns.append(_PUBLISHED_MCE)
    return columns


_PUBLISHED_MCE = Headline("", PUBLISHED_MCE, MCE.decimals, of_cells=False)


def summary_rows(scores: Scores, references: Sequence[Reference] = ()) -> list[Row]:
    """Return one row per model, its best values marked column by column; references are in no competition."""
    columns = summary_columns(scores, references)
    values = [[model.by_name.get(column.name) for model in scores.models] for column in columns]
    best = [_best(column, found) for column, found in zip(columns, values, strict=True)]
    return [
        Row(
            model.model,
            tuple((_number(model.by_name.get(column.name), column.decimals),) for column in columns),
            frozenset(place for place, won in enumerate(best) if index in won),
            tuple(_half_width(model, column) for column in columns) if model.intervals else (),
        )
        for index, model in enumerate(scores.models)
    ]


def reference_rows(scores: Scores, references: Sequence[Reference]) -> list[Row]:
    """Return one row per published result, each number in the column of its own scale."""
    columns = summary_columns(scores, references)
    marks = [mark for mark, _ in footnotes(references)]
    rows = []
    for reference in references:
        values = {CLEAN_ERROR: reference.clean_error, MEAN_ERROR: reference.mean_error}
        values[MCE if one_scale(reference, scores.normaliser) else _PUBLISHED_MCE] = reference.mce
        numbers = tuple((_number(values.get(column), column.decimals),) for column in columns)
        rows.append(
            Row(reference.model, numbers, mark=marks[mark_of(reference, references)], cite=reference.cite)
        )
    return rows


def _half_width(model: ModelScores, column: Headline) -> str:
    ends = model.intervals.get(column.name)
    # A model that others are measured by has no uncertainty about itself, and nothing to show.
    return (
        "" if ends is None or ends[0] == ends[1] else f"±{_number((ends[1] - ends[0]) / 2, column.decimals)}"
    )


def _number(value: float | None, decimals: int) -> str:
    if value is None:
        return NONE
    # A small negative number would otherwise be shown as -0.0.
    return f"{round(value, decimals) + 0.0:.{decimals}f}"


def _best(column: Headline, values: Sequence[float | None]) -> frozenset[int]:
    """Return the places of the best values; none with one value, or where none is known."""
    known = [value for value in values if value is not None]
    if len(values) < 2 or not known:
        return frozenset()
    return frozenset(index for index, value in enumerate(values) if value == column.best(known))
