"""What stands in which row of a table, whatever it is rendered to: text cells and which of them is best."""

from collections.abc import Sequence
from dataclasses import dataclass

from ppbench.scoring.names import GROUPS, in_order
from ppbench.scoring.scorecard import ModelScores, Scores

NONE = "–"
"""What stands for a score that cannot be known."""


@dataclass(frozen=True)
class Row:
    """A line of a table.

    Attributes:
        title: what the row is about.
        cells: one text per column.
        best: the columns that hold the lowest error; empty with one model, or where none is known.
    """

    title: str
    cells: tuple[str, ...]
    best: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Section:
    """Rows that belong together, with a title of their own."""

    title: str
    rows: tuple[Row, ...]


def benchmark_sections(scores: Scores) -> list[Section]:
    """Return the measured ones of the 15 corruptions in their groups: CE and mean error of each model."""
    return [section for title, names in GROUPS.items() if (section := _section(scores, title, names)).rows]


def extra_section(scores: Scores) -> Section:
    """Return the measured ones of the extra corruptions and plug-ins, which belong to no mean."""
    names = in_order(row.corruption for model in scores.models for row in model.extra)
    return _section(scores, "extra (in no mean)", names)


def _section(scores: Scores, title: str, names: Sequence[str]) -> Section:
    measured = [name for name in names if any(model.row(name) for model in scores.models)]
    return Section(title, tuple(_corruption_row(scores, name) for name in measured))


def cell_heading(scores: Scores) -> str:
    """Return what the two numbers of a corruption's cell are."""
    return "error" if scores.normaliser is None else "CE (error)"


def mean_row(scores: Scores) -> Row:
    """Return the last row of the benchmark's corruptions: mCE and mean error of each model.

    The best is the one with the lowest of what a cell shows first; a mean error can order models otherwise than mCE.
    """
    title = "mean error" if scores.normaliser is None else "mCE (mean error)"
    if any(
        "corruptions" in text or "severities" in text for model in scores.models for text in model.partial
    ):
        # Over fewer cells than the benchmark's 75 it is another number, and must not be quoted as the benchmark's.
        title = "partial mean error" if scores.normaliser is None else "partial mCE (error)"
    cells = tuple(_both(scores, model.mce, model.mean_error) for model in scores.models)
    mces = [model.mce for model in scores.models]
    known = scores.normaliser is not None and any(mce is not None for mce in mces)
    return Row(title, cells, _lowest(mces if known else [model.mean_error for model in scores.models]))


def summary_columns(scores: Scores) -> list[str]:
    """Return the headings of the summary; a score that no model can have is left out."""
    columns = ["clean error", "mean error"]
    if scores.normaliser is not None:
        columns += ["mCE", "relative mCE"]
    return columns + ["R_net"] * (scores.baseline is not None)


def summary_rows(scores: Scores) -> list[Row]:
    """Return one row per model, its best values marked column by column, and below it ± where there are intervals."""
    columns = [[_summary(model, name) for model in scores.models] for name in summary_columns(scores)]
    best = [
        _lowest([None if value is None else -value for value in column] if name == "R_net" else column)
        for name, column in zip(summary_columns(scores), columns, strict=True)
    ]
    rows = []
    for index, model in enumerate(scores.models):
        cells = tuple(
            _number(column[index], _decimals(name))
            for name, column in zip(summary_columns(scores), columns, strict=True)
        )
        rows.append(
            Row(model.model, cells, frozenset(place for place, won in enumerate(best) if index in won))
        )
        if model.intervals:
            rows.append(Row("", tuple(_half_width(model, name) for name in summary_columns(scores))))
    return rows


_NAMES = {
    "clean error": "clean",
    "mean error": "mean_error",
    "mCE": "mce",
    "relative mCE": "relative_mce",
    "R_net": "r_net",
}


def _summary(model: ModelScores, column: str) -> float | None:
    return model.by_name.get(_NAMES[column])


def _half_width(model: ModelScores, column: str) -> str:
    ends = model.intervals.get(_NAMES[column])
    # A model that others are measured by has no uncertainty about itself, and nothing to show.
    return (
        ""
        if ends is None or ends[0] == ends[1]
        else f"±{_number((ends[1] - ends[0]) / 2, _decimals(column))}"
    )


def _decimals(column: str) -> int:
    return 2 if column.endswith("error") else 1


def _corruption_row(scores: Scores, name: str) -> Row:
    found = [model.row(name) for model in scores.models]
    errors = [None if row is None else row.mean_error for row in found]
    ces = [None if row is None else row.ce for row in found]
    cells = tuple(_both(scores, ce, error) for ce, error in zip(ces, errors, strict=True))
    return Row(name, cells, _lowest(errors))


def _both(scores: Scores, ce: float | None, error: float | None) -> str:
    if scores.normaliser is None or error is None:
        return _number(error, 2)
    return f"{_number(ce, 1)} ({_number(error, 2):>5})"


def _number(value: float | None, decimals: int) -> str:
    if value is None:
        return NONE
    # A small negative number would otherwise be shown as -0.0.
    return f"{round(value, decimals) + 0.0:.{decimals}f}"


def _lowest(values: list[float | None]) -> frozenset[int]:
    known = [value for value in values if value is not None]
    if len(values) < 2 or not known:
        return frozenset()
    return frozenset(index for index, value in enumerate(values) if value == min(known))
