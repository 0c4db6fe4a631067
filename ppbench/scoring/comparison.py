"""Is the second model better than the first? Paired by image, score by score.

A difference is second minus first, in points of the score; all scores compared are errors, so below 0 the second
model is the better one.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from ppbench.errors import InputError, unknown
from ppbench.scoring.bootstrap import LEVEL, RESAMPLES, interval
from ppbench.scoring.interval import paired
from ppbench.scoring.names import CLEAN, CORRUPTIONS
from ppbench.scoring.outcomes import CLEAN_CELL, Outcomes
from ppbench.scoring.resampled_scores import resampled_scores
from ppbench.scoring.scorecard import Scores
from ppbench.scoring.significance import holm, mcnemar, sign_flip

Verdict = Literal["better", "worse", "undecided"]


@dataclass(frozen=True)
class Difference:
    """How much the second model differs from the first in one score.

    Attributes:
        score: its name, as in the gate's rules: ``mce``, ``ce.fog``, ``cell.fog.5``.
        first: the first model's value.
        second: the second model's value.
        difference: second minus first, in points.
        low: lower end of the paired interval of the difference.
        high: its upper end.
        p: p-value of the exact paired test; None where there is only the interval.
        p_holm: p-value corrected for the 15 corruptions looked at together; None outside that family.
        verdict: of the second model. A corruption is judged by `p_holm`; an extra one, a cell and the clean
            error by `p`; mean error, mCE and relative mCE by whether the interval holds 0.
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


@dataclass(frozen=True)
class Comparison:
    """Two models on the same images.

    Attributes:
        first: name of the model compared with.
        second: name of the model judged.
        images: how many images both saw in every cell.
        level: confidence level of the intervals and, less 1, of the family of tests.
        headlines: clean error, mean error, mCE, relative mCE, as far as both have them.
        corruptions: CE of each corruption (its mean error without a normaliser), the 15 before the 4.
        cells: the error of each cell.
    """

    first: str
    second: str
    images: int
    level: float
    headlines: tuple[Difference, ...]
    corruptions: tuple[Difference, ...]
    cells: tuple[Difference, ...]

    def difference(self, score: str) -> Difference:
        """Return the difference in a score by its name."""
        known = {each.score: each for each in (*self.headlines, *self.corruptions, *self.cells)}
        if score not in known:
            raise unknown("score", score, known)
        return known[score]

    def to_dict(self) -> dict[str, Any]:
        """Return the comparison as JSON knows it."""
        return asdict(self)


def compare(
    outcomes: Sequence[Outcomes],
    scores: Scores,
    first: str,
    second: str,
    *,
    level: float = LEVEL,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Comparison:
    """Compare two models of `scores`, paired by image.

    CE, mCE and means have bootstrap intervals, for which both models (and a measured normaliser) share their
    resamples; single cells and the clean error have Bonett & Price's. Each corruption is tested exactly (sign-flip
    over its severities; the normaliser cancels out), each cell by McNemar's test.

    Args:
        outcomes: of every model in `scores`, in order, over the same images in the same order.
        scores: of those outcomes.
        first: the model compared with.
        second: the model judged.
        level: the confidence level.
        resamples: how often the images are drawn anew.
        seed: of the draws.

    Raises:
        InputError: an unknown model, or the two were measured on different cells.
    """
    a, b = _pair(outcomes, first, second)
    values = resampled_scores(outcomes, scores, resamples=resamples, seed=seed)
    points = scores[first].by_name, scores[second].by_name

    def difference(name: str, p: float | None) -> Difference:
        low, high = interval(values[second][name] - values[first][name], level)
        return _difference(name, points[0][name], points[1][name], (low, high), p)

    both = values[first].keys() & values[second].keys()
    cells = tuple(_cell(a, b, cell, level) for cell in a.cells)
    headlines = [each for each in cells if each.score == CLEAN]
    if "mean_error" in both:
        headlines.append(difference("mean_error", sign_flip(_signed(a, b, CORRUPTIONS))))
    headlines += [difference(name, None) for name in ("mce", "relative_mce") if name in both]
    part = "error" if scores.normaliser is None else "ce"
    corruptions = [
        difference(f"{part}.{name}", sign_flip(_signed(a, b, [name])))
        for name in a.table.corruptions
        if f"{part}.{name}" in both
    ]
    return Comparison(
        first,
        second,
        a.images,
        level,
        headlines=tuple(headlines),
        corruptions=_corrected(corruptions, level),
        cells=tuple(each for each in cells if each.score != CLEAN),
    )


def _pair(outcomes: Sequence[Outcomes], first: str, second: str) -> tuple[Outcomes, Outcomes]:
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
    return a, b


def _signed(a: Outcomes, b: Outcomes, corruptions: Sequence[str]) -> npt.NDArray[np.int64]:
    """Return per image in how many cells of some corruptions B is wrong, minus in how many A is; int (N,)."""
    cells = [cell for cell in a.cells if cell[0] in corruptions]
    wrong_a, wrong_b = (each.wrong[[each.row[cell] for cell in cells]].sum(axis=0) for each in (a, b))
    signed: npt.NDArray[np.int64] = wrong_b - wrong_a
    return signed


def _cell(a: Outcomes, b: Outcomes, cell: tuple[str, int], level: float) -> Difference:
    wrong_a, wrong_b = a.wrong[a.row[cell]], b.wrong[b.row[cell]]
    only_a, only_b = int((wrong_a & ~wrong_b).sum()), int((wrong_b & ~wrong_a).sum())
    ends = paired(only_a, only_b, a.images, level)
    p = mcnemar(only_a, only_b)
    name = CLEAN if cell == CLEAN_CELL else f"cell.{cell[0]}.{cell[1]}"
    found = _difference(name, 100.0 * wrong_a.mean(), 100.0 * wrong_b.mean(), ends, p)
    return replace(found, verdict=_verdict(found.difference, p < 1 - level))


def _difference(
    name: str, first: float, second: float, ends: tuple[float, float], p: float | None
) -> Difference:
    difference = float(second - first)
    decided = not ends[0] <= 0.0 <= ends[1]
    verdict = _verdict(difference, decided)
    return Difference(name, float(first), float(second), difference, *ends, p=p, p_holm=None, verdict=verdict)


def _corrected(corruptions: Sequence[Difference], level: float) -> tuple[Difference, ...]:
    """Judge each corruption by its test: the 15 as one family by Holm, the extra ones each by itself."""
    family = [each for each in corruptions if each.score.partition(".")[2] in CORRUPTIONS]
    corrected = dict(
        zip([each.score for each in family], holm([each.p or 0.0 for each in family]), strict=True)
    )
    judged = []
    for each in corruptions:
        p = corrected.get(each.score, each.p)
        assert p is not None
        verdict = _verdict(each.difference, p < 1 - level)
        judged.append(replace(each, p_holm=corrected.get(each.score), verdict=verdict))
    return tuple(judged)


def _verdict(difference: float, decided: bool) -> Verdict:
    if not decided or difference == 0:
        return "undecided"
    return "better" if difference < 0 else "worse"
