"""The scores as JSON: the content of scores.json and the output of `--json`."""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ppbench.reporting.provenance_line import TableContext
from ppbench.scoring.references import Reference
from ppbench.scoring.scorecard import Scores
from ppbench.spelling import spelled_content

if TYPE_CHECKING:  # it brings NumPy, which scoring a table of errors does without
    from ppbench.scoring.metrics import ModelMetrics


def render(
    scores: Scores,
    context: TableContext,
    metrics: "Sequence[ModelMetrics]" = (),
    references: Sequence[Reference] = (),
) -> str:
    """Return valid JSON: a score that cannot be known is null, NaN never occurs.

    Args:
        scores: of some models.
        context: what they rest on.
        metrics: of the same models, where their answers are known and not their errors alone.
        references: published results that were asked for.
    """
    content = {**scores.to_dict(), "context": context.to_dict()}
    if metrics:
        content["metrics"] = [model.to_dict() for model in metrics]
    if references:
        content["references"] = [reference.to_dict() for reference in references]
    return json.dumps(spelled_content(content), indent=2, allow_nan=False, ensure_ascii=False) + "\n"
