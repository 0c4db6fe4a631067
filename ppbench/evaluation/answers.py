"""What a network said about the images of one cell, reduced to what scores need."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

INVALID = -1
"""The prediction that stands for logits that are not finite: always counted as an error."""


@dataclass(frozen=True)
class Answers:
    """One model on one cell, image by image, in the order of the data source's ids.

    Attributes:
        predictions: int32 (N,), the class of the largest logit; `INVALID` where a logit is not finite.
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


class Reduced(NamedTuple):
    """The fields of `Answers` for one batch, still on the device: nothing waits for it to finish."""

    predictions: Tensor
    confidences: Tensor
    nll: Tensor
    brier: Tensor
    in_top5: Tensor


def reduce(logits: Tensor, labels: Tensor) -> Reduced:
    """Reduce logits (n, C) of any float dtype and labels int64 (n,), on one device, to what scores need."""
    logits = logits.float()
    valid = logits.isfinite().all(dim=1)
    log_p = torch.where(valid[:, None], logits, 0.0).log_softmax(dim=1)
    p = log_p.exp()
    top = logits.argmax(dim=1)
    true = labels[:, None]
    true_logit = logits.gather(1, true)
    # Σ (p − y)² = Σ p² − 2 p_true + 1, without making the one-hot vectors.
    brier = p.square().sum(dim=1) - 2.0 * p.gather(1, true)[:, 0] + 1.0
    # Ranked by strictly larger logits, ties by the lower class, as argmax does.
    ahead = (logits > true_logit) | (
        (logits == true_logit) & (torch.arange(logits.shape[1], device=logits.device) < true)
    )
    return Reduced(
        predictions=torch.where(valid, top, INVALID).to(torch.int32),
        confidences=torch.where(valid, p.gather(1, top[:, None])[:, 0], 0.0),
        nll=torch.where(valid, -log_p.gather(1, true)[:, 0], torch.inf),
        brier=torch.where(valid, brier, 2.0),
        in_top5=valid & (ahead.sum(dim=1) < 5),
    )


def fetch(parts: Sequence[Reduced]) -> Answers:
    """Return the answers to consecutive batches as one; only here is the device waited for, and only they leave it."""
    return Answers(*(torch.cat(field).cpu().numpy() for field in zip(*parts, strict=True)))
