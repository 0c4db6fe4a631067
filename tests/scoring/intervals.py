"""Intervals of scores in one call, as a run has them."""

from collections.abc import Sequence

from ppbench.scoring.bootstrap import RESAMPLES
from ppbench.scoring.outcomes import Outcomes
from ppbench.scoring.resampled_scores import Intervals, intervals_of, resampled_scores
from ppbench.scoring.scorecard import Scores


def score_intervals(
    outcomes: Sequence[Outcomes], scores: Scores, *, resamples: int = RESAMPLES, seed: int = 0
) -> dict[str, Intervals]:
    """Model -> score -> interval, of the models' outcomes over the same images."""
    return intervals_of(resampled_scores(outcomes, scores, resamples=resamples, seed=seed), outcomes)
