"""Does a model know when it is wrong? NLL, Brier score and expected calibration error of one cell."""

from dataclasses import dataclass
from math import isfinite
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
        nll: mean negative log-likelihood of the true class, in nats; None if it is infinite.
        brier: mean squared distance of the probabilities from the true class, summed over classes: 0..2.
        ece_width: expected calibration error over 15 bins of equal width, per cent.
        ece_mass: the same over 15 bins of equally many images, per cent.
    """

    nll: float | None
    brier: float
    ece_width: float
    ece_mass: float


def calibration(
    nll: Floats, brier: Floats, confidence: Floats, correct: npt.NDArray[np.bool_]
) -> Calibration:
    """Return the calibration of a cell from four numbers per image: the full probabilities need not be kept.

    Args:
        nll: (N,), minus the natural logarithm of the true class's probability; infinite where that is 0.
        brier: (N,), sum over classes of (probability − one-hot)², 0..2.
        confidence: (N,), the probability of the predicted class, 0..1.
        correct: bool (N,), whether the predicted class is the true one.

    Raises:
        InputError: the arrays differ in length, are empty, or hold what no probabilities give.
    """
    shapes = [np.shape(each) for each in (nll, brier, confidence, correct)]
    if len(set(shapes)) > 1 or len(shapes[0]) != 1 or not correct.size:
        raise InputError(f"expected four numbers for each of at least one image, got shapes {shapes}")
    for name, values, most in (("nll", nll, np.inf), ("brier", brier, 2), ("confidence", confidence, 1)):
        # A softmax in single precision may be a rounding step outside.
        if not ((values >= -1e-5) & (values <= most + 1e-5)).all():
            raise InputError(
                f"expected {name} of 0..{most} for each image, got {values.min()} to {values.max()}"
            )
    mean_nll = float(np.mean(nll, dtype=np.float64))
    return Calibration(
        nll=mean_nll if isfinite(mean_nll) else None,
        brier=float(np.mean(brier, dtype=np.float64)),
        ece_width=expected_calibration_error(confidence, correct, "width"),
        ece_mass=expected_calibration_error(confidence, correct, "mass"),
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
