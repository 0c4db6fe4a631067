"""Two models on the same images: the difference in any score, with its paired interval and its exact test."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from ppbench.errors import InputError, unknown
from ppbench.scoring.bootstrap import LEVEL, RESAMPLES, interval
from ppbench.scoring.formulas import r_net
from ppbench.scoring.interval import paired
from ppbench.scoring.names import CLEAN, CORRUPTIONS
from ppbench.scoring.outcomes import CLEAN_CELL, Outcomes
from ppbench.scoring.resampled_scores import Values, resampled_scores
from ppbench.scoring.scorecard import Scores
from ppbench.scoring.significance import mcnemar, sign_flip

Verdict = Literal["better", "worse", "undecided"]


@dataclass(frozen=True)
class Difference:
    """How much the second model differs from the first in one score, in points; all these scores are errors.

    Attributes:
        score: its name: ``clean``, ``mean_error``, ``mce``, ``ce.fog``, ``error.fog``, ``cell.fog.5``.
        first: the first model's value.
        second: the second model's value.
        difference: second minus first; below 0 the second model is the better one.
        low: lower end of the paired interval of the difference.
        high: its upper end.
        p: p-value of the exact paired test; None where there is only the interval (mCE, relative mCE).
        p_holm: p-value corrected for the corruptions looked at together; None outside that family.
        verdict: of the second model: by `p_holm`, without it by `p`, without it by whether the interval holds 0.
    """

    score: str
    first: float
    second: float
    difference: float
    low: float
    high: float
    p: float | None
    p_holm: float | None
    verdict: Verdict


@dataclass(frozen=True, eq=False)
class Pairing:
    """Two models and the scores of their shared resamples.

    Attributes:
        first: the outcomes of the model compared with.
        second: those of the model judged, on the same images in the same order, in the same cells.
        points: the scores of either, by name.
        values: their values in each resample, by name.
        level: confidence level of the intervals.
    """

    first: Outcomes
    second: Outcomes
    points: tuple[Mapping[str, float], Mapping[str, float]]
    values: tuple[Values, Values]
    level: float

    @property
    def scores(self) -> list[str]:
        """The names of all scores that both models have, cells included."""
        shared = [name for name in self.values[0] if name in self.values[1] and name != "r_net"]
        return [*shared, *(_cell_name(cell) for cell in self.first.cells if cell != CLEAN_CELL)]

    def difference(self, score: str) -> Difference:
        """Return the difference in one score.

        The clean error and single cells have Bonett & Price's interval and McNemar's test; means and CE have a
        bootstrap interval; the mean error and each corruption have the sign-flip test over their cells, in which
        the normaliser cancels out.

        Raises:
            InputError: the models do not both have such a score.
        """
        if score not in self.scores:
            raise unknown("score", score, self.scores)
        for cell in self.first.cells:
            if score == _cell_name(cell):
                return self._of_cell(cell)
        low, high = interval(self.values[1][score] - self.values[0][score], self.level)
        kind, _, corruption = score.partition(".")
        cells = CORRUPTIONS if score == "mean_error" else [corruption] if kind in ("ce", "error") else []
        p = sign_flip(self._signed(cells)) if cells else None
        return self._judged(score, self.points[0][score], self.points[1][score], low, high, p)

    def r_net(self) -> tuple[float, float, float] | None:
        """Return R_net of the second model against the first with its interval (value, low, high).

        None without clean errors, or where the first model's may be 0.
        """
        needed = ("clean", "mean_error")
        if any(name not in each for each in self.points for name in needed) or not np.all(
            self.values[0]["clean"] > 0
        ):
            return None
        first, second = ([each[name] for name in needed] for each in self.points)
        base, mine = ([each[name] for name in needed] for each in self.values)
        low, high = interval(r_net(*mine, *base), self.level)
        return r_net(*second, *first), low, high

    def _of_cell(self, cell: tuple[str, int]) -> Difference:
        wrong = [each.wrong[each.row[cell]] for each in (self.first, self.second)]
        only_first, only_second = int((wrong[0] & ~wrong[1]).sum()), int((wrong[1] & ~wrong[0]).sum())
        low, high = paired(only_first, only_second, self.first.images, self.level)
        first, second = (100.0 * int(each.sum()) / self.first.images for each in wrong)
        return self._judged(_cell_name(cell), first, second, low, high, mcnemar(only_first, only_second))

    def _judged(
        self, score: str, first: float, second: float, low: float, high: float, p: float | None
    ) -> Difference:
        decided = not low <= 0.0 <= high if p is None else p < 1 - self.level
        found = verdict(second - first, decided)
        return Difference(score, first, second, second - first, low, high, p, None, found)

    def _signed(self, corruptions: Sequence[str]) -> npt.NDArray[np.int64]:
        """Return per image in how many cells the second model is wrong, minus the first's; int (N,)."""
        cells = [cell for cell in self.first.cells if cell[0] in corruptions]
        first, second = (
            each.wrong[[each.row[cell] for cell in cells]].sum(axis=0) for each in (self.first, self.second)
        )
        signed: npt.NDArray[np.int64] = second - first
        return signed


def pair(
    outcomes: Sequence[Outcomes],
    scores: Scores,
    first: str,
    second: str,
    *,
    level: float = LEVEL,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Pairing:
    """Pair two models of `scores` by image.

    Args:
        outcomes: of every model in `scores`, in order, over the same images in the same order.
        scores: of those outcomes.
        first: the model compared with.
        second: the model judged.
        level: the confidence level.
        resamples: how often the images are drawn anew, for both models and a measured normaliser together.
        seed: of the draws.

    Raises:
        InputError: an unknown model, or the two were measured on different cells.
    """
    models = {each.model: each for each in outcomes}
    for name in (first, second):
        if name not in models:
            raise unknown("model", name, models)
    a, b = models[first], models[second]
    if set(a.cells) != set(b.cells):
        odd = min(set(a.cells) ^ set(b.cells))
        raise InputError(
            f"expected {first} and {second} on the same cells, got {odd[0]},{odd[1]} of one only"
        )
    values = resampled_scores(outcomes, scores, resamples=resamples, seed=seed)
    points = scores[first].by_name, scores[second].by_name
    return Pairing(a, b, points, (values[first], values[second]), level)


def verdict(difference: float, decided: bool) -> Verdict:
    """Return what a difference in errors means for the second model."""
    if not decided or difference == 0:
        return "undecided"
    return "better" if difference < 0 else "worse"


def _cell_name(cell: tuple[str, int]) -> str:
    return CLEAN if cell == CLEAN_CELL else f"cell.{cell[0]}.{cell[1]}"
