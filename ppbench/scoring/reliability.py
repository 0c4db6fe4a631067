"""How often is a model right when it is so sure? The bins of a reliability diagram."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ppbench.scoring.calibration import BINS, Floats


@dataclass(frozen=True)
class Bin:
    """The images of one bin of confidence.

    Attributes:
        confidence: their mean confidence, per cent.
        accuracy: the share of them that the model gets right, per cent.
        images: how many they are; at least 1.
    """

    confidence: float
    accuracy: float
    images: int


def reliability(confidence: Floats, correct: npt.NDArray[np.bool_], bins: int = BINS) -> tuple[Bin, ...]:
    """Return the bins of equal width that hold images, confidence rising (Guo et al. 2017, section 2).

    The mean over images of |accuracy − confidence| is `expected_calibration_error(…, "width")`.

    Args:
        confidence: (N,), the probability of the predicted class, 0..1.
        correct: bool (N,), whether the predicted class is the true one.
        bins: how many; bin k is ((k − 1)/bins, k/bins].
    """
    sure = np.asarray(confidence, np.float64)
    place = np.clip(np.ceil(sure * bins).astype(np.int64) - 1, 0, bins - 1)
    counts = np.bincount(place, minlength=bins)
    total, right = (
        np.bincount(place, values, minlength=bins) for values in (sure, correct.astype(np.float64))
    )
    return tuple(
        Bin(100.0 * float(total[k] / counts[k]), 100.0 * float(right[k] / counts[k]), int(counts[k]))
        for k in np.flatnonzero(counts)
    )
