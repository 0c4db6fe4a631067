"""Top-5 error, calibration and severity slopes as a table."""

from collections.abc import Sequence

from ppbench.reporting.table import Cell, Column, Document, Row, Section, Table, number
from ppbench.scoring.metrics import MEASURES, METRICS_FOOTNOTE, ModelMetrics

_TITLES = {
    "nll": "NLL",
    "brier": "Brier score",
    "ece_width": "ECE",
    "ece_mass": "ECE (mass)",
    "top5_error": "top-5 error",
}


def document(metrics: Sequence[ModelMetrics]) -> Document:
    """Return a row per measure: each model's value on the clean images, then over the corrupted cells."""
    rows = []
    for name in MEASURES:
        if any(model.corrupted[name] is not None or model.clean[name] is not None for model in metrics):
            decimals = 3 if name in ("nll", "brier") else 2
            texts = [
                f"{number(model.clean[name], decimals)} → {number(model.corrupted[name], decimals)}"
                for model in metrics
            ]
            rows.append(Row(f"{_TITLES[name]}, clean → corrupted", tuple(map(Cell, texts))))
    slopes = tuple(Cell(number(model.slope, 2)) for model in metrics)
    rows.append(Row("slope, points per severity", slopes))
    columns = tuple(Column(model.model) for model in metrics)
    table = Table("beyond errors", "measure", columns, (Section("", tuple(rows)),), splits=True)
    notes = (("measures", METRICS_FOOTNOTE),)
    return Document("Beyond errors", (table,), notes, notes, announced=False)
