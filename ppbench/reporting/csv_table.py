"""Rows as CSV for a spreadsheet, and the scores as such: a row per model, a column per score, in full precision."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ppbench.scoring.headlines import HEADLINES
from ppbench.scoring.names import in_order
from ppbench.scoring.references import Reference
from ppbench.scoring.scorecard import ModelScores, Scores


def csv_text(columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> str:
    """Return a header and the rows; what a row does not have is empty."""
    out = io.StringIO()
    writer = csv.DictWriter(out, columns, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def render(scores: Scores, references: Sequence[Reference] = ()) -> str:
    """Return a header and a row per model, measured ones first; what is not known is empty.

    Columns: ``model``; ``source`` (empty for what was measured); ``normaliser`` of its CE and mCE; ``partial``, what of
    the benchmark its means are not over; the headlines, named as in `ModelScores.by_name`; ``error.<corruption>`` and
    ``ce.<corruption>``. Where a score has intervals, their bounds follow as ``<score>_low`` and ``<score>_high``. All
    are per cent.
    """
    names = [*(each.name for each in HEADLINES), *_of_corruptions(scores)]
    bounded = [name for name in names if any(name in model.intervals for model in scores.models)]
    columns = ["model", "source", "normaliser", "partial"]
    for name in names:
        columns += [name, f"{name}_low", f"{name}_high"] if name in bounded else [name]
    divisor = "" if scores.normaliser is None else scores.normaliser.name
    rows = [
        {
            "model": model.model,
            "normaliser": divisor,
            "partial": "; ".join(model.partial),
            **_values(model, names),
        }
        for model in scores.models
    ]
    return csv_text(columns, [*rows, *map(_reference, references)])


def _of_corruptions(scores: Scores) -> list[str]:
    rows = [row for model in scores.models for row in model.rows]
    kinds = ["error"] if scores.normaliser is None else ["error", "ce"]
    return [f"{kind}.{name}" for kind in kinds for name in in_order(row.corruption for row in rows)]


def _values(model: ModelScores, names: Sequence[str]) -> dict[str, float]:
    values = {name: model.by_name[name] for name in names if name in model.by_name}
    for name in names:
        if name in model.intervals:
            values[f"{name}_low"], values[f"{name}_high"] = model.intervals[name]
    return values


def _reference(reference: Reference) -> dict[str, str | float]:
    values = {"clean": reference.clean_error, "mean_error": reference.mean_error, "mce": reference.mce}
    known = {name: value for name, value in values.items() if value is not None}
    text = "; ".join(part for part in (reference.source, reference.note) if part)
    return {"model": reference.model, "source": text, "normaliser": reference.normaliser or "", **known}
