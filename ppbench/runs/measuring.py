"""From a run's answers to what is beyond right and wrong."""

import numpy as np

from ppbench.runs.predictions import Predictions
from ppbench.scoring.calibration import calibration
from ppbench.scoring.metrics import TOP5_CLASSES, CellMetrics, ModelMetrics, model_metrics
from ppbench.scoring.scorecard import Scores


def metrics_of(predictions: Predictions, scores: Scores, num_classes: int) -> tuple[ModelMetrics, ...]:
    """Return top-5 error and calibration of every model on every cell.

    Args:
        predictions: of the run.
        scores: of the same run, in the same order of models.
        num_classes: of the data; top-5 errors are left out where they say nothing.
    """
    answers, wrong = predictions.answers, predictions.wrong
    found = []
    for m, model in enumerate(predictions.models):
        cells = {}
        for k, cell in enumerate(predictions.cells):
            kept = answers.nll[m, k], answers.brier[m, k], answers.confidences[m, k], ~wrong[m, k]
            top5 = 100.0 * float(np.mean(~answers.in_top5[m, k])) if num_classes > TOP5_CLASSES else None
            cells[cell] = CellMetrics(calibration(*kept), top5)
        found.append(model_metrics(scores[model], cells))
    return tuple(found)
