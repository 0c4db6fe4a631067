"""The headline table and the table of corruptions: what stands in which cell of the page."""

from dataclasses import dataclass

from ppbench.reporting.figures.bars import MEAN, bars, scale
from ppbench.reporting.figures.curves import title
from ppbench.reporting.figures.palette import series
from ppbench.reporting.layout import NONE
from ppbench.reporting.provenance_line import provenance_lines
from ppbench.reporting.report_content import ReportContent
from ppbench.scoring.headlines import CLEAN_ERROR, MCE, MEAN_ERROR, R_NET, RELATIVE_MCE, Headline, headlines
from ppbench.scoring.names import GROUPS
from ppbench.scoring.scorecard import INTERVAL_FOOTNOTE, ModelScores

_POOR_MINUS = "-"


@dataclass(frozen=True)
class Number:
    """A score in a cell.

    Attributes:
        text: the value; a dash where it cannot be known.
        ends: its interval, empty without one.
        best: whether it is the lowest of its column (of R_net the highest).
    """

    text: str
    ends: str = ""
    best: bool = False


@dataclass(frozen=True)
class Column:
    """A column of the headline table.

    Attributes:
        headline: the score.
        scale: what it is measured in.
    """

    headline: Headline
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
    known = headlines(normaliser=divisor is not None, baseline=scores.baseline is not None)
    # The mCE before the mean error: it is what most readers look for.
    return tuple(Column(each, scale) for each, scale in scales.items() if each in known)


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
    known = [each.by_name[name] for each in content.scores.models if name in each.by_name]
    best = value is not None and len(known) > 1 and value == headline.best(known)
    return Number(
        number(value, headline.decimals), ends_text(model.intervals.get(name), headline.decimals), best
    )


def notes(content: ReportContent) -> list[tuple[str, str]]:
    """Return what stands below the scores: (label, text), as below other tables but for how intervals look."""
    lines = provenance_lines(content.scores, content.context)
    how = INTERVAL_FOOTNOTE.removeprefix("half the width of the ")
    return [("interval", f"the {how}") if label == "±" else (label, text) for label, text in lines]


def number(value: float | None, decimals: int) -> str:
    """Return a number with a real minus; what rounds to zero has none."""
    if value is None:
        return NONE
    return f"{round(value, decimals) + 0.0:.{decimals}f}".replace(_POOR_MINUS, "−")


def signed(value: float, decimals: int) -> str:
    """Return a number with its sign; what rounds to zero has none."""
    rounded = round(value, decimals)
    return f"{rounded:+.{decimals}f}".replace(_POOR_MINUS, "−") if rounded else f"{0:.{decimals}f}"


def ends_text(ends: tuple[float, float] | None, decimals: int) -> str:
    """Return an interval as ``low to high``; nothing for one of no width, as a model measured by itself has."""
    if ends is None or ends[0] == ends[1]:
        return ""
    return f"{number(ends[0], decimals)} to {number(ends[1], decimals)}"


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
            low = min(value for value, _ in found.values())
            numbers = tuple(
                Number(
                    number(found[place][0], 1),
                    ends_text(found[place][1], 1),
                    len(found) > 1 and found[place][0] == low,
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
