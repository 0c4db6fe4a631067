"""The scores of every resample: the same formulas as `scores`, for thousands of resamples at once.

A score is named as in the gate's rules: ``clean``, ``mean_error``, ``mce``, ``relative_mce``, ``r_net``, and per
corruption ``error.fog``, ``ce.fog``, ``relative_ce.fog``.
"""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from ppbench.errors import InputError
from ppbench.scoring.bootstrap import LEVEL, RESAMPLES, Floats, interval, resample_together
from ppbench.scoring.formulas import ce, r_net, relative_ce
from ppbench.scoring.headlines import CLEAN_ERROR, best_of
from ppbench.scoring.interval import paired, wilson
from ppbench.scoring.names import CORRUPTIONS
from ppbench.scoring.normaliser import Normaliser
from ppbench.scoring.outcomes import CLEAN_CELL, Outcomes
from ppbench.scoring.scorecard import CorruptionScore, ModelScores, Scores

Errors = Mapping[tuple[str, int], Floats]

Values = dict[str, Floats]
"""Score -> its value in each resample, (resamples,)."""

Intervals = dict[str, tuple[float, float]]
"""Score -> the lower and upper end of its interval."""

Divisor = Callable[[CorruptionScore], tuple[Floats | float | None, Floats | float | None]]
"""A corruption's row -> the normaliser's sum over its severities, and the clean errors to take off it."""


def intervals_of(
    values: Mapping[str, Values], outcomes: Sequence[Outcomes], *, level: float = LEVEL
) -> dict[str, Intervals]:
    """Return model -> score -> interval of what `resampled_scores` made; Wilson's for the clean error.

    Args:
        values: of `resampled_scores`.
        outcomes: what it made them from.
        level: the confidence level.
    """
    found = {
        model: {name: interval(value, level) for name, value in each.items()}
        for model, each in values.items()
    }
    for each in outcomes:
        if CLEAN_CELL in each.row:
            errors = int(each.wrong[each.row[CLEAN_CELL]].sum())
            found[each.model]["clean"] = wilson(errors, each.images, level)
    return found


def leaders_of(
    values: Mapping[str, Values], outcomes: Sequence[Outcomes], scores: Scores, *, level: float = LEVEL
) -> dict[str, str]:
    """Return score -> the model that is better than every other by more than chance; most scores have none.

    What decides is the paired interval of the difference to each of the others: that of the resamples, of the clean
    error Bonett & Price's, as in a comparison. Of models that were measured on different cells none leads in what is
    over these cells.

    Args:
        values: of `resampled_scores`.
        outcomes: what it made them from.
        scores: of those outcomes.
        level: the confidence level.
    """
    known = {model.model: model.by_name for model in scores.models}
    if len(known) < 2:
        return {}
    clean = {each.model: each.wrong[each.row[CLEAN_CELL]] for each in outcomes if CLEAN_CELL in each.row}
    found = {}
    for name in dict.fromkeys(name for each in values.values() for name in each):
        having = [model for model in known if name in known[model] and name in values[model]]
        if len(having) < 2 or not _on_same_cells(name, [scores[model] for model in having]):
            continue
        best = best_of(name)(having, key=lambda model: known[model][name])
        for other in having:
            if other == best:
                continue
            if name == "clean":
                low, high = _clean_difference(clean[other], clean[best], level)
            else:
                low, high = interval(values[best][name] - values[other][name], level)
            if low <= 0.0 <= high:
                break
        else:
            found[name] = best
    return found


def _on_same_cells(name: str, models: Sequence[ModelScores]) -> bool:
    """Return whether a score is over the same cells for all of these models."""
    if name == CLEAN_ERROR.name:
        return True
    corruption = name.partition(".")[2]
    if not corruption:  # a mean over the benchmark's cells
        return len({model.benchmark_cells for model in models}) < 2
    rows = (model.row(corruption) for model in models)
    return len({None if row is None else row.severities for row in rows}) < 2


def _clean_difference(
    first: npt.NDArray[np.bool_], second: npt.NDArray[np.bool_], level: float
) -> tuple[float, float]:
    return paired(int((first & ~second).sum()), int((second & ~first).sum()), len(first), level)


def resampled_scores(
    outcomes: Sequence[Outcomes], scores: Scores, *, resamples: int = RESAMPLES, seed: int = 0
) -> dict[str, Values]:
    """Return model -> score -> its value in each resample, (resamples,), the same resamples for all models.

    A normaliser that is a model of the run is resampled along, so its own uncertainty is in the values. A
    relative CE is left out where the normaliser's rise over its clean error vanishes in some resample: a ratio
    has no meaningful interval when its denominator may be zero.

    Raises:
        InputError: the outcomes are not those of `scores`, or are on different images.
    """
    names = [model.model for model in scores.models]
    if [each.model for each in outcomes] != names:
        raise InputError(f"expected outcomes of {names}, got {[each.model for each in outcomes]}")
    errors = resample_together(outcomes, resamples=resamples, seed=seed)
    divisor = _divisor(scores.normaliser, errors)
    values = {model.model: _model_values(model, errors[model.model], divisor) for model in scores.models}
    if scores.baseline is not None:
        base = values[scores.baseline]
        for model in scores.models:
            mine = values[model.model]
            if model.r_net is not None and np.all(base["clean"] > 0):
                mine["r_net"] = r_net(mine["clean"], mine["mean_error"], base["clean"], base["mean_error"])
    return values


def _divisor(normaliser: Normaliser | None, errors: Mapping[str, Errors]) -> Divisor:
    if normaliser is None:
        return lambda _: (None, None)
    if normaliser.model is None:
        fixed = normaliser

        def published(row: CorruptionScore) -> tuple[float | None, float | None]:
            off = None if fixed.clean is None else len(row.severities) * fixed.clean
            return fixed.total(row.corruption, row.severities), off

        return published
    if normaliser.model not in errors:
        raise InputError(f"expected the outcomes of {normaliser.model}, the normaliser, got none")
    measured = errors[normaliser.model]

    def along(row: CorruptionScore) -> tuple[Floats | None, Floats | None]:
        if any((row.corruption, severity) not in measured for severity in row.severities):
            return None, None
        off = len(row.severities) * measured[CLEAN_CELL] if CLEAN_CELL in measured else None
        return _total(measured, row), off

    return along


def _model_values(model: ModelScores, errors: Errors, divisor: Divisor) -> Values:
    values: Values = {}
    if CLEAN_CELL in errors:
        values["clean"] = errors[CLEAN_CELL]
    cells = [errors[cell] for cell in errors if cell[0] in CORRUPTIONS]
    if cells:
        values["mean_error"] = np.mean(cells, axis=0)
    for row in model.rows:
        summed = _total(errors, row)
        values[f"error.{row.corruption}"] = summed / len(row.severities)
        under, off = divisor(row)
        if row.ce is not None and under is not None and np.all(np.asarray(under) > 0):
            values[f"ce.{row.corruption}"] = ce(summed, np.asarray(under))
        if row.relative_ce is not None and under is not None and off is not None:
            rise = under - off
            if np.all(np.asarray(rise) > 0):
                own = len(row.severities) * errors[CLEAN_CELL]
                values[f"relative_ce.{row.corruption}"] = relative_ce(summed, own, np.asarray(rise))
    for mean, part in (("mce", "ce"), ("relative_mce", "relative_ce")):
        # Over the corruptions that the score itself is over, or not at all.
        parts = [f"{part}.{row.corruption}" for row in model.corruptions if getattr(row, part) is not None]
        if getattr(model, mean) is not None and all(name in values for name in parts):
            values[mean] = np.mean([values[name] for name in parts], axis=0)
    return values


def _total(errors: Errors, row: CorruptionScore) -> Floats:
    summed: Floats = np.sum([errors[row.corruption, severity] for severity in row.severities], axis=0)
    return summed
