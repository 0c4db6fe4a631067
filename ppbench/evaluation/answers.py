"""What a network said about the images of one cell, reduced to what scores need."""

from dataclasses import dataclass

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

    @classmethod
    def concatenate(cls, parts: list["Answers"]) -> "Answers":
        """Return the answers of consecutive batches as one."""
        return cls(**{name: np.concatenate([getattr(part, name) for part in parts]) for name in FIELDS})


FIELDS = tuple(Answers.__dataclass_fields__)


def answers_of(logits: Tensor, labels: Tensor) -> Answers:
    """Reduce logits (n, C) of any float dtype and labels int64 (n,) to answers; only these leave the device."""
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
    return Answers(
        predictions=torch.where(valid, top, INVALID).to(torch.int32).cpu().numpy(),
        confidences=torch.where(valid, p.gather(1, top[:, None])[:, 0], 0.0).cpu().numpy(),
        nll=torch.where(valid, -log_p.gather(1, true)[:, 0], torch.inf).cpu().numpy(),
        brier=torch.where(valid, brier, 2.0).cpu().numpy(),
        in_top5=(valid & (ahead.sum(dim=1) < 5)).cpu().numpy(),
    )
