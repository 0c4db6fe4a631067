"""The consistency loss of AugMix and PRIME (Hendrycks et al., ICLR 2020): three views should be answered alike."""

import torch
import torch.nn.functional as F
from torch import Tensor


def jsd_loss(clean_logits: Tensor, logits_1: Tensor, logits_2: Tensor, weight: float = 12.0) -> Tensor:
    """Return weight times the Jensen-Shannon divergence of the answers to three views, in nats, mean over images.

    (KL(p‖m) + KL(p₁‖m) + KL(p₂‖m)) / 3 with m the mean of the three, clamped to [1e-7, 1] as the originals do. It is to
    be added to the cross-entropy of the clean logits.

    Args:
        clean_logits: (N,classes), of the images themselves.
        logits_1: (N,classes), of an augmented view.
        logits_2: (N,classes), of another.
        weight: 12 in both originals.

    Returns:
        A scalar, float32 (float64 for float64 logits): half precision is too coarse for the logarithms.
    """
    logits = torch.stack([clean_logits, logits_1, logits_2])
    if logits.dtype in (torch.float16, torch.bfloat16):
        logits = logits.float()
    log_p = logits.log_softmax(-1)
    log_mean = log_p.exp().mean(0).clamp(1e-7, 1.0).log()
    divergence = F.kl_div(log_mean.expand_as(log_p), log_p, reduction="sum", log_target=True)
    return divergence * (weight / 3.0 / len(clean_logits))
