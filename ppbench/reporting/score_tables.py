"""Scores as tables: a summary, a row per model, and the corruptions, a column per model."""

from collections.abc import Sequence

from ppbench.reporting.provenance_line import TableContext, data_sentence, partial_lines, scale_sentence
from ppbench.reporting.reference_rows import (
    PUBLISHED_MCE,
    footnotes,
    lines_below,
    mark_of,
    one_scale,
    reference_lines,
)
from ppbench.reporting.table import NONE, Cell, Column, Document, Notes, Row, Section, Table, ends, number
from ppbench.scoring.headlines import CLEAN_ERROR, MCE, MEAN_ERROR, RELATIVE_MCE, Headline, headlines
from ppbench.scoring.names import GROUPS, OTHER, in_no_mean
from ppbench.scoring.references import Reference
from ppbench.scoring.scorecard import ModelScores, Scores

PUBLISHED = "published results, not measured here"
"""The title of the section of references."""

_PUBLISHED_MCE = Headline("", PUBLISHED_MCE, MCE.decimals, of_cells=False)


def document(scores: Scores, context: TableContext, references: Sequence[Reference] = ()) -> Document:
    """Return the summary, the corruptions, and what the numbers rest on.

    Args:
        scores: what was measured.
        context: what it rests on.
        references: published results to stand below the summary, in a section of their own.
    """
    return Document(
        "Robustness to common corruptions",
        (summary(scores, references), corruptions(scores)),
        tuple(lines_below(scores, context, references)),
        brief_lines(scores, context, references, bold=False),
        notes_title="What the numbers rest on",
        level=1,
        announced=False,
        bold=bold_means(scores),
    )


def bold_means(scores: Scores) -> str:
    """Return what a cell in bold means, empty where there is none."""
    return "bold: better beyond it" if len(scores.models) > 1 and _has_intervals(scores) else ""


def _has_intervals(scores: Scores) -> bool:
    return any(model.intervals for model in scores.models)


def brief_lines(
    scores: Scores, context: TableContext, references: Sequence[Reference] = (), *, bold: bool = True
) -> Notes:
    """Return what every reader needs: scale, data, and what would mislead who does not know it.

    Args:
        scores: what was measured.
        context: what it rests on.
        references: published results that stand below the summary.
        bold: whether the reader sees what is bold.
    """
    scale = scale_sentence(scores)
    if scores.baseline is not None:
        scale += f" (against {scores.baseline})"
    if _has_intervals(scores):
        scale += "; [95 % interval]"
    if bold and (meaning := bold_means(scores)):
        scale += f"; {meaning}"
    missing_terms = "no relative CE for "  # which no table shows
    notes = [("note", note) for note in (*context.notes, *scores.notes)]
    below = [each for each in partial_lines(scores) if missing_terms not in each[1]]
    return (
        ("scale", scale),
        ("data", data_sentence(context)),
        *(each for each in below if each[0] == "partial"),
        *notes,
        *(each for each in below if each[0] != "partial"),
        *reference_lines(references, context, scores),
    )


def summary(scores: Scores, references: Sequence[Reference] = ()) -> Table:
    """Return a row per model with its headline scores; references are in no competition."""
    columns = summary_columns(scores, references)
    sections = [Section("", tuple(_summary_row(scores, model, columns) for model in scores.models))]
    if references:
        rows = tuple(_reference_row(scores, each, columns, references) for each in references)
        sections.append(Section(PUBLISHED, rows, ruled=True))
    titles = tuple(Column(each.titled(partial=scores.misses_cells)) for each in columns)
    return Table("summary", "model", titles, tuple(sections))


def summary_columns(scores: Scores, references: Sequence[Reference] = ()) -> list[Headline]:
    """Return the scores of the summary; one that no model can have is left out.

    Published mCEs that were divided by something else than the models' stand in a column of their own.
    """
    normaliser = scores.normaliser
    columns = list(headlines(normaliser=normaliser is not None, baseline=scores.baseline is not None))
    if all(model.relative_mce is None for model in scores.models) and RELATIVE_MCE in columns:
        columns.remove(RELATIVE_MCE)  # a note says why
    if any(row.mce is not None and not one_scale(row, normaliser) for row in references):
        columns.append(_PUBLISHED_MCE)
    return columns


def _summary_row(scores: Scores, model: ModelScores, columns: Sequence[Headline]) -> Row:
    return Row(
        model.model,
        tuple(
            Cell(
                number(model.by_name.get(column.name), column.decimals),
                ends=ends(model.intervals.get(column.name), column.decimals),
                strong=scores.leaders.get(column.name) == model.model,
            )
            for column in columns
        ),
    )


def _reference_row(
    scores: Scores, reference: Reference, columns: Sequence[Headline], references: Sequence[Reference]
) -> Row:
    """Return a published result, each number in the column of its own scale."""
    values = {CLEAN_ERROR: reference.clean_error, MEAN_ERROR: reference.mean_error}
    values[MCE if one_scale(reference, scores.normaliser) else _PUBLISHED_MCE] = reference.mce
    cells = tuple(Cell(number(values.get(column), column.decimals)) for column in columns)
    marks = [mark for mark, _ in footnotes(references)]
    return Row(reference.model, cells, mark=marks[mark_of(reference, references)], cite=reference.cite)


def corruptions(scores: Scores) -> Table:
    """Return CE and mean error of each corruption: the 15 in their groups, their mean, and what is in no mean."""
    found = [_section(scores, title, names) for title, names in GROUPS.items()]
    found.append(Section("", (mean_row(scores),), ruled=True))
    measured = (row.corruption for model in scores.models for row in model.rows)
    for title, names in in_no_mean(measured).items():
        found.append(_section(scores, f"{title} (in no mean)", names, apart=True))
    parts = ("error",) if scores.normaliser is None else ("CE", "error")
    heading = "error" if scores.normaliser is None else "CE (error)"
    return Table(
        f"{heading} per corruption",
        "corruption",
        tuple(Column(model.model) for model in scores.models),
        tuple(section for section in found if section.rows),
        parts,
        splits=True,
        heading=f"{heading[0].upper()}{heading[1:]} per corruption",
    )


def _section(scores: Scores, title: str, names: Sequence[str], *, apart: bool = False) -> Section:
    measured = [name for name in names if any(model.row(name) for model in scores.models)]
    rows = tuple(_corruption_row(scores, name, "" if apart else f"{name} ({title})") for name in measured)
    return Section(title, rows, ruled=apart, apart=apart)


def mean_row(scores: Scores) -> Row:
    """Return the last row of the benchmark's corruptions: mCE and mean error of each model."""
    if scores.normaliser is None:
        title = MEAN_ERROR.titled(partial=scores.misses_cells)
    else:
        title = "partial mCE (error)" if scores.misses_cells else "mCE (mean error)"
    values = [(model.mce, model.mean_error) for model in scores.models]
    return Row(title, _pairs(scores, values, (MCE.name, MEAN_ERROR.name)), strong=True)


def _corruption_row(scores: Scores, name: str, alone: str) -> Row:
    found = [model.row(name) for model in scores.models]
    values = [(None, None) if row is None else (row.ce, row.mean_error) for row in found]
    shown = name.removeprefix(OTHER)  # below a heading that says so, others stand under their own names
    return Row(shown, _pairs(scores, values, (f"ce.{name}", f"error.{name}")), alone)


def _pairs(
    scores: Scores, values: Sequence[tuple[float | None, float | None]], names: tuple[str, str]
) -> tuple[Cell, ...]:
    """Return CE and error per model, or the error alone where nothing is divided by.

    What stands out is the lead in the first of what is known: a mean error can order models otherwise than mCE.
    """
    leader = scores.leaders.get(names[0] if any(ce is not None for ce, _ in values) else names[1])
    cells = []
    for model, (ce, error) in zip(scores.models, values, strict=True):
        strong = model.model == leader
        if scores.normaliser is None:
            cells.append(Cell(number(error, MEAN_ERROR.decimals), strong=strong))
        elif error is None:
            cells.append(Cell(NONE))
        else:
            second = number(error, MEAN_ERROR.decimals)
            cells.append(Cell(number(ce, MCE.decimals), second, strong=strong))
    return tuple(cells)
