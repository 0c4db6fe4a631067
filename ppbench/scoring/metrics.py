"""Beyond right and wrong: top-5 error, calibration and how fast errors rise with severity."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from math import fsum
from typing import Any

from ppbench.scoring.calibration import Calibration
from ppbench.scoring.names import CORRUPTIONS
from ppbench.scoring.outcomes import CLEAN_CELL
from ppbench.scoring.scorecard import ModelScores

TOP5_CLASSES = 10
"""Top-5 errors say something only with more classes than these."""

MEASURES = ("nll", "brier", "ece_width", "ece_mass", "top5_error")

METRICS_FOOTNOTE = (
    "NLL in nats; Brier score 0..2; ECE over 15 bins of equal width (mass: of equally many images), per cent; each of "
    "the clean images, then the plain mean over the cells of the 15 corruptions. Slope: points of error per severity."
)


@dataclass(frozen=True)
class CellMetrics:
    """One model on one cell.

    Attributes:
        calibration: NLL, Brier score and ECE.
        top5_error: share of the images whose class is not among the five largest logits, per cent; None with at most
            10 classes.
    """

    calibration: Calibration
    top5_error: float | None

    @property
    def by_name(self) -> dict[str, float | None]:
        """The value of each of `MEASURES`."""
        return {**asdict(self.calibration), "top5_error": self.top5_error}


@dataclass(frozen=True)
class ModelMetrics:
    """One model on all its cells.

    Attributes:
        model: its name.
        cells: of each cell; the clean images are ``("clean", 0)``.
        slope: mean over the 15 corruptions of the rise of the error per severity, in points; None where none has one.
    """

    model: str
    cells: Mapping[tuple[str, int], CellMetrics]
    slope: float | None

    @property
    def clean(self) -> dict[str, float | None]:
        """Each measure on the clean images; None where they were not measured."""
        cell = self.cells.get(CLEAN_CELL)
        return dict.fromkeys(MEASURES) if cell is None else cell.by_name

    @property
    def corrupted(self) -> dict[str, float | None]:
        """The plain mean of each measure over the measured cells of the 15 corruptions; None where one is None."""
        cells = [cell.by_name for key, cell in self.cells.items() if key[0] in CORRUPTIONS]
        return {name: _mean([cell[name] for cell in cells]) for name in MEASURES}

    def to_dict(self) -> dict[str, Any]:
        """Return the metrics as JSON knows them."""
        cells: dict[str, dict[str, dict[str, float | None]]] = {}
        for (corruption, severity), cell in self.cells.items():
            if severity:
                cells.setdefault(corruption, {})[str(severity)] = cell.by_name
        return {"model": self.model, "slope": self.slope, "clean": self.clean, "corrupted": self.corrupted,
                "cells": cells}  # fmt: skip


def model_metrics(scores: ModelScores, cells: Mapping[tuple[str, int], CellMetrics]) -> ModelMetrics:
    """Return the metrics of a model with its mean severity slope."""
    return ModelMetrics(scores.model, cells, _mean([row.slope for row in scores.corruptions]))


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return fsum(known) / len(known) if known and len(known) == len(values) else None
