"""The scores as JSON: the content of scores.json and the output of `--json`."""

import json
from collections.abc import Sequence

from ppbench.reporting.provenance_line import TableContext
from ppbench.scoring.metrics import ModelMetrics
from ppbench.scoring.scorecard import Scores


def render(scores: Scores, context: TableContext, metrics: Sequence[ModelMetrics] = ()) -> str:
    """Return valid JSON: a score that cannot be known is null, NaN never occurs.

    Args:
        scores: of some models.
        context: what they rest on.
        metrics: of the same models, where their answers are known and not their errors alone.
    """
    content = {**scores.to_dict(), "context": context.to_dict()}
    if metrics:
        content["metrics"] = [model.to_dict() for model in metrics]
    return json.dumps(content, indent=2, allow_nan=False, ensure_ascii=False) + "\n"
