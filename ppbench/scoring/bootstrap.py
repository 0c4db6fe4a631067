"""Intervals by resampling images.

The same image recurs in every cell of the benchmark, so cells are not independent: what is drawn anew, with
replacement, is images, and each takes its outcomes in all cells and of all models along. Differences between
models, and a normaliser that was measured on the same images, are thereby paired (Efron & Tibshirani 1993,
chapters 6 and 13).

A resample is a vector of how often each image was drawn; all cells of all models then follow from one matrix
product. The sums are whole numbers below 2**24, so float32 holds them exactly and no BLAS can change a bit.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ppbench.errors import InputError
from ppbench.scoring.outcomes import Outcomes

Floats = npt.NDArray[np.float64]

RESAMPLES = 2000
LEVEL = 0.95

_EXACT_IN_FLOAT32 = 2**24
_CHUNK = 2**22
"""Draws in flight: large enough for an efficient product, and under 100 MB of indices and weights."""


def resampled_errors(wrong: npt.NDArray[np.bool_], *, resamples: int = RESAMPLES, seed: int = 0) -> Floats:
    """Return the error of each cell (per cent) in each resample of the images, shape (resamples, K).

    Args:
        wrong: bool (K, N); the rows may be cells of several models, over the same images.
        resamples: how many times N images are drawn with replacement.
        seed: of the draws; the same seed, N and number of resamples give the same draws whatever K is.
    """
    images = wrong.shape[1]
    if images >= _EXACT_IN_FLOAT32:
        raise InputError(f"expected fewer than {_EXACT_IN_FLOAT32:,} images to resample, got {images:,}")
    generator = np.random.default_rng(seed)
    outcomes = np.ascontiguousarray(wrong.T, dtype=np.float32)
    errors = np.empty((resamples, len(wrong)))
    step = max(1, _CHUNK // images)
    for start in range(0, resamples, step):
        count = min(step, resamples - start)
        drawn = generator.integers(0, images, size=(count, images))
        drawn += np.arange(count)[:, None] * images  # one histogram for the whole chunk
        weights = np.bincount(drawn.ravel(), minlength=count * images).reshape(count, images)
        errors[start : start + count] = weights.astype(np.float32) @ outcomes
    errors *= 100.0 / images
    return errors


def resample_together(
    outcomes: Sequence[Outcomes], *, resamples: int = RESAMPLES, seed: int = 0
) -> dict[str, dict[tuple[str, int], Floats]]:
    """Return model -> cell -> error (per cent) in each resample, (resamples,), the draws shared by all models.

    Raises:
        InputError: the models have different numbers of images, or share a name.
    """
    images = {each.model: each.images for each in outcomes}
    if len(images) < len(outcomes):
        raise InputError("expected outcomes of models of different names")
    if len(set(images.values())) > 1:
        raise InputError(f"expected outcomes on the same images, got numbers of images {images}")
    together = resampled_errors(
        np.concatenate([each.wrong for each in outcomes]), resamples=resamples, seed=seed
    )
    found: dict[str, dict[tuple[str, int], Floats]] = {}
    start = 0
    for each in outcomes:
        found[each.model] = {cell: together[:, start + row] for cell, row in each.row.items()}
        start += len(each.cells)
    return found


def interval(values: Floats, level: float = LEVEL) -> tuple[float, float]:
    """Return the percentile interval of resampled values, (resamples,)."""
    low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)
