"""Does a model know when it is wrong? NLL, Brier score and expected calibration error of one cell."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from ppbench.errors import InputError

BINS = 15

Floats = npt.NDArray[np.floating]


@dataclass(frozen=True)
class Calibration:
    """The calibration of a model on the N images of a cell.

    Attributes:
        nll: mean negative log-likelihood of the true class, in nats.
        brier: mean squared distance of the probabilities from the true class, summed over classes: 0..2.
        ece_width: expected calibration error over 15 bins of equal width, per cent.
        ece_mass: the same over 15 bins of equally many images, per cent.
    """

    nll: float
    brier: float
    ece_width: float
    ece_mass: float


def calibration(
    log_p_true: Floats, p_squared: Floats, confidence: Floats, correct: npt.NDArray[np.bool_]
) -> Calibration:
    """Return the calibration of a cell from four numbers per image: the full probabilities need not be kept.

    Args:
        log_p_true: (N,), natural logarithm of the probability of the true class, at most 0.
        p_squared: (N,), sum over classes of the squared probabilities.
        confidence: (N,), the probability of the predicted class, 0..1.
        correct: bool (N,), whether the predicted class is the true one.

    Raises:
        InputError: the arrays differ in length, are empty, or hold what is no probability.
    """
    log_p, squared, top = (np.asarray(each, np.float64) for each in (log_p_true, p_squared, confidence))
    if (
        len({each.shape for each in (log_p, squared, top, correct)}) > 1
        or correct.ndim != 1
        or not correct.size
    ):
        shapes = [each.shape for each in (log_p, squared, top, correct)]
        raise InputError(f"expected four numbers for each of at least one image, got shapes {shapes}")
    finite = np.isfinite(log_p).all() and np.isfinite(squared).all()
    # Probabilities that a softmax in single precision rounded up are let pass.
    if not finite or log_p.max() > 1e-5 or not (top >= 0).all() or not (top <= 1 + 1e-5).all():
        raise InputError("expected finite log-probabilities and confidences of 0..1, got others")
    return Calibration(
        nll=float(-log_p.mean()),
        brier=float((1.0 - 2.0 * np.exp(log_p) + squared).mean()),
        ece_width=expected_calibration_error(top, correct, "width"),
        ece_mass=expected_calibration_error(top, correct, "mass"),
    )


def expected_calibration_error(
    confidence: Floats, correct: npt.NDArray[np.bool_], equal: Literal["width", "mass"], bins: int = BINS
) -> float:
    """Return the mean over images of |accuracy − confidence| of the image's bin, in per cent.

    Bins of equal width are ((k − 1)/bins, k/bins] (Guo et al. 2017, section 2; Naeini et al. 2015). Bins of equal
    mass split the images sorted by confidence into parts as equal as can be (Nguyen & O'Connor 2015); images of
    one confidence share their accuracy, so that their order, which means nothing, does not matter.

    Args:
        confidence: (N,), 0..1.
        correct: bool (N,).
        equal: what the bins have in common.
        bins: how many.
    """
    order = np.argsort(confidence, kind="stable")
    sure, right = np.asarray(confidence, np.float64)[order], correct[order].astype(np.float64)
    if equal == "width":
        place = np.clip(np.ceil(sure * bins).astype(np.int64) - 1, 0, bins - 1)
    else:
        _, group, counts = np.unique(sure, return_inverse=True, return_counts=True)
        right = (np.bincount(group, right) / counts)[group]
        parts = [len(part) for part in np.array_split(sure, bins)]
        place = np.repeat(np.arange(bins), parts)
    gaps = np.bincount(place, right - sure, minlength=bins)  # of a bin: images × (accuracy − confidence)
    return float(100.0 * np.abs(gaps).sum() / len(sure))
