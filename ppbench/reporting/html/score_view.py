"""The headline table and the table of corruptions: what stands in which cell of the page."""

from dataclasses import dataclass

from ppbench.reporting import table
from ppbench.reporting.figures.bars import MEAN, bars, scale
from ppbench.reporting.figures.curves import title
from ppbench.reporting.figures.palette import series
from ppbench.reporting.provenance_line import provenance_lines
from ppbench.reporting.report_content import ReportContent
from ppbench.reporting.score_tables import summary_columns
from ppbench.reporting.table import NONE, Cell, ends
from ppbench.scoring.headlines import CLEAN_ERROR, MCE, MEAN_ERROR, R_NET, RELATIVE_MCE, Headline
from ppbench.scoring.names import GROUPS
from ppbench.scoring.scorecard import ModelScores

_POOR_MINUS = "-"


@dataclass(frozen=True)
class Number:
    """A score in a cell.

    Attributes:
        text: the value; a dash where it cannot be known.
        ends: its interval, empty without one.
        best: whether it is better than those of all other models by more than chance.
    """

    text: str
    ends: str = ""
    best: bool = False


@dataclass(frozen=True)
class Column:
    """A column of the headline table.

    Attributes:
        headline: the score.
        title: what it is called, a partial one so.
        scale: what it is measured in.
    """

    headline: Headline
    title: str
    scale: str


@dataclass(frozen=True)
class ModelRow:
    """A model's line.

    Attributes:
        letter: by which the figures call it.
        model: its name.
        role: the name of its colour.
        partial: what of the benchmark it was not measured on; empty if nothing.
        numbers: one per column.
    """

    letter: str
    model: str
    role: str
    partial: str
    numbers: tuple[Number, ...]


def headline_columns(content: ReportContent) -> tuple[Column, ...]:
    """Return the scores of the headline, each with its scale; those that no model can have are left out."""
    scores, divisor = content.scores, content.scores.normaliser
    of_divisor = f"%, {divisor.name} has 100" if divisor is not None else ""
    scales = {
        CLEAN_ERROR: "% of the clean images",
        MCE: of_divisor,
        MEAN_ERROR: "%, not normalised",
        RELATIVE_MCE: of_divisor,
        R_NET: f"against {scores.baseline}; higher is better",
    }
    known = summary_columns(scores)
    # The mCE before the mean error: it is what most readers look for.
    return tuple(
        Column(each, each.titled(partial=scores.misses_cells), scale)
        for each, scale in scales.items()
        if each in known
    )


def headline_rows(content: ReportContent) -> list[ModelRow]:
    """Return a line per model."""
    columns = headline_columns(content)
    rows = []
    for place, model in enumerate(content.scores.models):
        style = series(place)
        numbers = tuple(_headline_number(content, model, column.headline) for column in columns)
        rows.append(ModelRow(style.letter, model.model, style.role, "; ".join(model.partial), numbers))
    return rows


def _headline_number(content: ReportContent, model: ModelScores, headline: Headline) -> Number:
    name = headline.name
    value = model.by_name.get(name)
    best = content.scores.leaders.get(name) == model.model
    return Number(
        number(value, headline.decimals), ends_text(model.intervals.get(name), headline.decimals), best
    )


def notes(content: ReportContent) -> list[tuple[str, str]]:
    """Return what stands below the scores: (label, text), as in the files of a run."""
    return provenance_lines(content.scores, content.context)


def number(value: float | None, decimals: int) -> str:
    """Return a number with a real minus; what rounds to zero has none."""
    return table.number(value, decimals).replace(_POOR_MINUS, "−")


def signed(value: float, decimals: int) -> str:
    """Return a number with its sign; what rounds to zero has none."""
    return table.signed(value, decimals).replace(_POOR_MINUS, "−")


def ends_text(interval: tuple[float, float] | None, decimals: int) -> str:
    """Return an interval as ``[low, high]``; nothing for one of no width, as a model measured by itself has."""
    return Cell("", ends=ends(interval, decimals)).interval.replace(_POOR_MINUS, "−")


@dataclass(frozen=True)
class CorruptionRow:
    """A line of the table below the bars: a corruption, or the mean of a group.

    Attributes:
        title: the corruption.
        mean: whether it is a group's mean.
        numbers: one per model.
    """

    title: str
    mean: bool
    numbers: tuple[Number, ...]


def bar_tables(content: ReportContent) -> list[tuple[str, list[CorruptionRow]]]:
    """Return group -> its rows: the numbers of the bars."""
    tables = []
    for group in GROUPS:
        rows = []
        for name, found in bars(content, group).items():
            leader = content.scores.leaders.get(f"{content.bar_part}.{name}")
            numbers = tuple(
                Number(
                    number(found[place][0], 1),
                    ends_text(found[place][1], 1),
                    content.models[place] == leader,
                )
                if place in found
                else Number(NONE)
                for place in range(len(content.models))
            )
            rows.append(CorruptionRow(title(name), name == MEAN, numbers))
        if rows:
            tables.append((group, rows))
    return tables


def bar_scale(content: ReportContent) -> str:
    """Return what the bars and their table are measured in."""
    return scale(content)
