"""The page: view data into the template."""

from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from ppbench import atomic
from ppbench.errors import InputError
from ppbench.reporting import lead
from ppbench.reporting.figures import calibration, heatmap, scatter
from ppbench.reporting.figures.palette import colours
from ppbench.reporting.html import heat_view, score_view
from ppbench.reporting.html.drawings import draw_all
from ppbench.reporting.html.example_view import example_rows
from ppbench.reporting.provenance_line import data_sentence
from ppbench.reporting.reference_rows import footnotes, mark_of, reference_lines
from ppbench.reporting.report_content import ReportContent
from ppbench.reporting.score_tables import brief_lines
from ppbench.scoring.names import SEVERITIES
from ppbench.scoring.references import Reference

_HERE = Path(__file__).parent

_NAMED = 3
"""So many models have their names in the title; more are counted."""


def render(content: ReportContent) -> str:
    """Return the report as one HTML document, which asks no host for anything.

    The same content gives the same text, but for what run.json says of time and place.
    """
    environment = Environment(
        loader=FileSystemLoader(_HERE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["whole_words"] = _whole_words
    return environment.get_template("page.html.j2").render(_view(content))


def _whole_words(text: object) -> Markup:
    """Return a text whose lines break between words only: in no option, and in no date."""
    return Markup(" ").join(
        Markup('<span class="word">{}</span>').format(word) for word in str(text).split(" ")
    )


def write_page(content: ReportContent, path: Path) -> None:
    """Write the report.

    Raises:
        InputError: the file cannot be written.
    """
    text = render(content)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        atomic.write_text(path, text)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise InputError(
            f"expected a file that can be written, got {str(path)!r}: {reason}; choose another with --out"
        ) from error


def _view(content: ReportContent) -> dict[str, Any]:
    divisor = content.scores.normaliser
    return {
        "style": Markup((_HERE / "page.css").read_text(encoding="utf-8").replace("/* theme */", _theme())),  # noqa: S704
        "title": _title(content),
        "lead": lead.sentence(content),
        "data": data_sentence(content.context),
        "version": content.version,
        "drawings": draw_all(content),
        "columns": score_view.headline_columns(content),
        "rows": score_view.headline_rows(content),
        "brief": brief_lines(content.scores, content.context),
        "notes": score_view.notes(content),
        "references": _published(content),
        "reference_notes": reference_lines(content.references, content.context, content.scores),
        "severities": SEVERITIES,
        "error_tables": heat_view.error_tables(content),
        "largest_error": score_view.number(heatmap.largest_error(content), 1),
        "scale_stops": heat_view.scale_stops(),
        "difference_tables": heat_view.difference_tables(content),
        "baseline": content.baseline,
        "bar_scale": score_view.bar_scale(content),
        "bar_tables": score_view.bar_tables(content),
        "normaliser": None if divisor is None else divisor.name,
        "examples": example_rows(content),
        "example_note": content.examples.note,
        "fewest": calibration.FEWEST,
        "runs": content.runs,
    }


def _title(content: ReportContent) -> str:
    """Return what the page is about: the models by name, or how many they are."""
    models = content.models
    told = ", ".join(models) if len(models) <= _NAMED else f"{len(models)} models"
    return f"{told} on {content.context.data or 'corrupted images'}"


def _published(content: ReportContent) -> list[tuple[int | None, Reference, str]]:
    """Return the published rows: the number that each has in the scatter, the row, and the mark of its source."""
    drawn = {name: number for number, (name, _, _) in enumerate(scatter.reference_points(content), 1)}
    marks = [mark for mark, _ in footnotes(content.references)]
    return [
        (drawn.get(row.model), row, marks[mark_of(row, content.references)]) for row in content.references
    ]


def _theme() -> str:
    """Return the variables of the figures' colours, light, dark, and light again on paper."""
    light = "".join(f"--{role}:{pair[0]};" for role, pair in colours().items())
    dark = "".join(f"--{role}:{pair[1]};" for role, pair in colours().items())
    return f":root{{{light}}}\n@media screen and (prefers-color-scheme:dark){{:root{{{dark}}}}}"
