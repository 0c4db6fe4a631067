"""The tables in the format that is asked for."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from ppbench.errors import unknown
from ppbench.reporting import csv_table, html_table, latex, markdown, scores_json
from ppbench.reporting.provenance_line import TableContext
from ppbench.reporting.score_tables import document
from ppbench.scoring.references import Reference
from ppbench.scoring.scorecard import Scores

if TYPE_CHECKING:  # it brings NumPy, which scoring a table of errors does without
    from ppbench.scoring.metrics import ModelMetrics

FORMATS: Final = ("md", "csv", "latex", "json", "html")
"""What `--format` can be."""


def check_format(wanted: str) -> None:
    """Refuse a format that there is not.

    Raises:
        InputError: there is no such format.
    """
    if wanted not in FORMATS:
        raise unknown("format", wanted, FORMATS)


def rendered(
    wanted: str,
    scores: Scores,
    context: TableContext,
    *,
    metrics: "Sequence[ModelMetrics]" = (),
    references: Sequence[Reference] = (),
    siunitx: bool = False,
) -> str:
    """Return the tables as text that ends in a newline.

    Args:
        wanted: one of `FORMATS`.
        scores: what to show.
        context: what it rests on.
        metrics: what is beyond errors, for JSON.
        references: published results to stand beside it.
        siunitx: whether the numbers of LaTeX tables are aligned at their points.

    Raises:
        InputError: there is no such format.
    """
    check_format(wanted)
    if wanted == "csv":
        return csv_table.render(scores, references)
    if wanted == "json":
        return scores_json.render(scores, context, metrics, references)
    shown = document(scores, context, references)
    if wanted == "md":
        return markdown.render(shown)
    if wanted == "latex":
        return latex.render(shown, siunitx=siunitx)
    return html_table.render(shown)
