"""From a batch of logits to what scores need of it, on the device."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from ppbench.evaluation.answers import INVALID, Answers


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
