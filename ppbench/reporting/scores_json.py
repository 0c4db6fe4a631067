"""The scores as JSON: the content of scores.json and the output of `--json`."""

import json

from ppbench.reporting.provenance_line import TableContext
from ppbench.scoring.scorecard import Scores


def render(scores: Scores, context: TableContext) -> str:
    """Return valid JSON: a score that cannot be known is null, NaN never occurs."""
    content = {**scores.to_dict(), "context": context.to_dict()}
    return json.dumps(content, indent=2, allow_nan=False, ensure_ascii=False) + "\n"
