"""The heat maps of the page: tables whose cells have the number and a colour."""

from dataclasses import dataclass

from ppbench.reporting.figures import heatmap
from ppbench.reporting.figures.curves import corruptions, title
from ppbench.reporting.figures.palette import series
from ppbench.reporting.html.score_view import number, signed
from ppbench.reporting.report_content import ReportContent
from ppbench.reporting.table import NONE
from ppbench.scoring.names import GROUPS, SEVERITIES, in_no_mean


@dataclass(frozen=True)
class HeatCell:
    """One cell.

    Attributes:
        text: the number.
        style: its colours, as a style attribute; empty where there is no number.
        kind: ``better`` or ``worse`` in a table of differences; empty in one of errors.
        decided: whether a difference is more than chance.
    """

    text: str
    style: str = ""
    kind: str = ""
    decided: bool = False


@dataclass(frozen=True)
class HeatRow:
    """A corruption: its name, a cell per severity, and its means."""

    title: str
    cells: tuple[HeatCell, ...]
    means: tuple[str, ...]


@dataclass(frozen=True)
class HeatTable:
    """A model's table.

    Attributes:
        name: unique in the page.
        letter: by which the figures call the model.
        model: its name.
        mean_headings: of the columns behind the severities.
        sections: group -> its rows; groups without a measured corruption are left out.
    """

    name: str
    letter: str
    model: str
    mean_headings: tuple[str, ...]
    sections: tuple[tuple[str, tuple[HeatRow, ...]], ...]


def error_tables(content: ReportContent) -> list[HeatTable]:
    """Return every model's errors, per cent, on one scale of colour."""
    largest = heatmap.largest_error(content)
    scores = ("error",) if content.scores.normaliser is None else ("error", "ce")
    tables = []
    for place, model in enumerate(content.scores.models):
        found, known = heatmap.errors(content.tables[place]), model.by_name
        rows = {
            name: HeatRow(
                title(name),
                tuple(_error_cell(found.get((name, severity)), largest) for severity in SEVERITIES),
                tuple(number(known.get(f"{score}.{name}"), 1) for score in scores),
            )
            for name in corruptions(content)
        }
        tables.append(_table("errors", place, model.model, ("mean", "CE")[: len(scores)], rows))
    return tables


def difference_tables(content: ReportContent) -> list[HeatTable]:
    """Return every other model's errors less those of the baseline, in points, on one scale of colour."""
    largest = heatmap.largest_difference(content)
    tables = []
    for place, model in enumerate(content.models):
        found, decided = heatmap.differences(content, place), content.decided[model]
        if model == content.baseline or not found:
            continue
        rows = {}
        for name in corruptions(content):
            measured = [points for (corruption, _), points in found.items() if corruption == name]
            rows[name] = HeatRow(
                title(name),
                tuple(
                    _difference_cell(found.get((name, severity)), largest, (name, severity) in decided)
                    for severity in SEVERITIES
                ),
                (signed(sum(measured) / len(measured), 1) if measured else NONE,),
            )
        tables.append(_table("differences", place, model, ("mean",), rows))
    return tables


def _error_cell(error: float | None, largest: float) -> HeatCell:
    if error is None:
        return HeatCell(NONE)
    colour = heatmap.colour_of_error(error, largest)
    background = "#" + "".join(f"{each:02x}" for each in colour)
    return HeatCell(number(error, 1), f"background:{background};color:{heatmap.ink_on(colour)}")


def _difference_cell(points: float | None, largest: float, decided: bool) -> HeatCell:
    if points is None:
        return HeatCell(NONE)
    _, share = heatmap.colour_of_difference(points, largest)
    kind = "better" if points < 0 else "worse" if points > 0 else ""
    return HeatCell(signed(points, 1), f"--share:{share:.2f}", kind, decided)


def _table(
    kind: str, place: int, model: str, headings: tuple[str, ...], rows: dict[str, HeatRow]
) -> HeatTable:
    groups = {**GROUPS, **{f"{each}, in no mean": names for each, names in in_no_mean(rows).items()}}
    sections = tuple(
        (group, tuple(rows[name] for name in names if name in rows))
        for group, names in groups.items()
        if any(name in rows for name in names)
    )
    return HeatTable(f"{kind}-{place}", series(place).letter, model, headings, sections)


def scale_stops() -> str:
    """Return the colours of errors from 0 to the largest as the stops of a CSS gradient."""
    stops = [heatmap.colour_of_error(step, 10.0) for step in range(11)]
    return ", ".join(f"rgb({red} {green} {blue})" for red, green, blue in stops)
