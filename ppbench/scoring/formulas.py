"""The formulas of the scores, each once: for numbers, and for arrays with a value per resample.

Hendrycks & Dietterich (ICLR 2019, section 3): severities are summed first, then divided. All are per cent.
"""

from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:  # scoring a table of errors does without NumPy
    import numpy as np
    import numpy.typing as npt

Number = TypeVar("Number", float, "npt.NDArray[np.float64]")
"""A number, or one per resample, (resamples,)."""


def ce(total: Number, under: Number) -> Number:
    """Return CE_c = Σ_s err(c,s) / Σ_s err_norm(c,s).

    Args:
        total: the sum of a model's errors over the severities of a corruption.
        under: that of the normaliser over the same severities, above 0.
    """
    return 100.0 * (total / under)


def relative_ce(total: Number, off: Number, rise: Number) -> Number:
    """Return relative CE_c = Σ_s (err(c,s) − E) / Σ_s (err_norm(c,s) − E_norm).

    Args:
        total: the sum of a model's errors over the severities of a corruption.
        off: its clean error, as many times.
        rise: the normaliser's sum with its clean errors taken off, not 0.
    """
    return 100.0 * ((total - off) / rise)


def r_net(clean: Number, mean: Number, base_clean: Number, base_mean: Number) -> Number:
    """Return R_net = 100·[(E_b − E) + (ME_b − ME)] / (2·E_b), in per cent.

    The formula is inferred: it reproduces the eight published rows of the push-pull paper (ResNet-50 on
    ImageNet-C) within their rounding; the paper's own wording was not available.

    Args:
        clean: clean error E of the model, per cent, like all four.
        mean: its mean error ME over corruptions and severities.
        base_clean: clean error E_b of the baseline, above 0.
        base_mean: mean error ME_b of the baseline.
    """
    return 100.0 * ((base_clean - clean) + (base_mean - mean)) / (2.0 * base_clean)
