"""What a network said about the images of one cell, reduced to what scores need."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

INVALID = -1
"""The prediction that stands for logits that are not finite: always counted as an error."""


@dataclass(frozen=True)
class Answers:
    """One model on one cell, image by image, in the order of the data source's ids.

    Attributes:
        predictions: int32 (N,), the class of the largest logit; `INVALID` where a logit is not finite. Of a network
            with more outputs than classes, all of which count, an output that is no class: the number of classes plus
            its index.
        confidences: float32 (N,), the softmax probability of the prediction; 0 where invalid.
        nll: float32 (N,), minus the natural logarithm of the true class's probability; infinite where invalid.
        brier: float32 (N,), the sum over classes of (probability − one-hot)², 0..2; 2 where invalid.
        in_top5: bool (N,), whether the true class is among the five largest logits; false where invalid.
    """

    predictions: npt.NDArray[np.int32]
    confidences: npt.NDArray[np.float32]
    nll: npt.NDArray[np.float32]
    brier: npt.NDArray[np.float32]
    in_top5: npt.NDArray[np.bool_]


FIELDS = tuple(Answers.__dataclass_fields__)
