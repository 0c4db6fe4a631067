"""Published results beside a run's own: whether they belong together, and the footnotes that say what they are."""

from collections.abc import Sequence
from string import ascii_lowercase

from ppbench.errors import InputError
from ppbench.reporting.provenance_line import TableContext, provenance_lines
from ppbench.scoring.normaliser import Normaliser
from ppbench.scoring.references import Reference, references
from ppbench.scoring.scorecard import Scores
from ppbench.scoring.scores import PAPER_FOOTNOTE

PAPER = "bennabhaktula2024pushpull"
"""The BibTeX key of the push-pull paper, whose rows call a mean error mCE."""

PUBLISHED_MCE = "published mCE"
"""The column of an mCE that is divided by something else than the run's own."""


def one_scale(reference: Reference, normaliser: Normaliser | None) -> bool:
    """Return whether a published mCE is divided by what the run's own is divided by."""
    return normaliser is not None and reference.normaliser == normaliser.name


def references_for(wanted: str, data: str | None) -> tuple[Reference, ...]:
    """Return the published results that are asked for.

    Args:
        wanted: their data set, what `--reference` says.
        data: the data set of the run; None where nobody recorded it.

    Raises:
        InputError: nothing is published for that name, or the run is on another data set.
    """
    found = references(wanted)
    if data is not None and data != wanted:
        raise InputError(
            f"--reference {wanted}: expected a run on {wanted}, got one on {data}: errors on other images are no match"
        )
    return found


def footnotes(rows: Sequence[Reference]) -> list[tuple[str, str]]:
    """Return a footnote per source: (mark, text), with the notes of the rows that come from it."""
    notes = []
    for mark, source in zip(_marks(), _sources(rows), strict=False):
        of_rows = [f"{row.model}: {row.note}" for row in rows if row.source == source and row.note]
        notes.append((mark, ". ".join([source, *of_rows])))
    return notes


def mark_of(reference: Reference, rows: Sequence[Reference]) -> int:
    """Return the place of a row's footnote among `footnotes`."""
    return _sources(rows).index(reference.source)


def lines_below(
    scores: Scores, context: TableContext, references: Sequence[Reference] = ()
) -> list[tuple[str, str]]:
    """Return what stands below a table: (label, text), of what was measured and of what is published."""
    return [
        *provenance_lines(scores, context),
        *reference_lines(references, context, scores),
    ]


def reference_lines(
    rows: Sequence[Reference], context: TableContext, scores: Scores
) -> list[tuple[str, str]]:
    """Return what stands below a table with published results: (label, text)."""
    if not rows:
        return []
    normaliser = scores.normaliser
    lines = [
        (
            "published",
            f"as given by their sources, on the published files of {rows[0].data}; not compared with the others",
        )
    ]
    apart = dict.fromkeys(
        row.normaliser for row in rows if row.mce is not None and not one_scale(row, normaliser)
    )
    if apart:
        own = "this run has no mCE" if normaliser is None else f"the mCE of this run by {normaliser.name}"
        lines.append((PUBLISHED_MCE, f"divided by {', '.join(map(str, apart))}; {own}"))
    if context.source is None:
        lines.append(
            ("published", f"that the errors file is of {rows[0].data} was not recorded: it is taken on trust")
        )
    elif context.source == "generated":
        lines.append(("published", "the images of this run were generated: its errors compare only roughly"))
    if scores.misses_cells:
        lines.append(
            ("published", "over all 15 corruptions and 5 severities: no match for the means of a partial run")
        )
    if any(PAPER in row.cite and row.mean_error is not None for row in rows):
        lines.append(("mean error", PAPER_FOOTNOTE))
    return [*lines, *((f"[{mark}]", text) for mark, text in footnotes(rows))]


def _sources(rows: Sequence[Reference]) -> list[str]:
    return list(dict.fromkeys(row.source for row in rows))


def _marks() -> str:
    return ascii_lowercase
