"""Does a network give the same image the same answer, whatever stands beside it in the batch, and every time?"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence

import torch
from torch import Tensor, nn

from ppbench.setup.finding import BATCH, DependsOn, Finding

TOLERANCES = {torch.float32: 1e-3, torch.float16: 2e-2, torch.bfloat16: 1e-1}
"""Largest difference that passes for rounding, as a share of the spread of an image's logits, largest minus smallest.

Another batch size takes other kernels, which add up in another order. In float32 that moved the logits of the shipped
and the published networks by up to 2e-7 of their spread. Each bit less of mantissa doubles it, and 24 bits become 11 in
float16 and 8 in bfloat16: whole answers in these lie within 0.001 and 0.014 of those in float32. Batch statistics move
them by 0.05 and more.
"""

_DROPS = re.compile(r"drop|stochastic", re.IGNORECASE)


def tolerance(module: nn.Module, precision: torch.dtype) -> float:
    """Return what passes for rounding: that of the coarsest type that the network computes in.

    Args:
        module: the network; its own parameters may be coarser than the run's precision.
        precision: of the run.
    """
    kinds = {parameter.dtype for parameter in module.parameters()} | {precision}
    return max(TOLERANCES.get(kind, TOLERANCES[torch.float32]) for kind in kinds)


def spread_between(first: Tensor, second: Tensor) -> float:
    """Return the largest difference of two answers to the same images, (n, C) each, as a share of their spread.

    Images with an answer that is not finite are left out; 0 where none is left or the answers have no spread.
    """
    finite = first.isfinite().all(dim=1) & second.isfinite().all(dim=1)
    first, second = first[finite], second[finite]
    if not len(first):
        return 0.0
    # Logits that hardly differ are rounded by their size, not by their spread.
    spread = max((first.amax(dim=1) - first.amin(dim=1)).max(), 0.01 * first.abs().max())
    return float((first - second).abs().max() / spread) if spread > 0 else 0.0


def judge(
    once: Tensor, again: Tensor, alone: Tensor | None, limit: float, causes: Sequence[str]
) -> tuple[DependsOn | None, Finding]:
    """Decide whether answers depend on the batch or on chance.

    Args:
        once: answers to a batch, float32 (n, C).
        again: to the same batch, asked a second time, (n, C).
        alone: to the first images of it, each by itself, (k, C); None where the network cannot answer one image alone.
        limit: see `TOLERANCES`.
        causes: what in the network could be the cause, from `suspects`.
    """
    because = f" ({'; '.join(causes)})" if causes else ""
    if (apart := spread_between(once, again)) > limit:
        text = (
            f"the same images get other answers each time, {_percent(apart)} of their spread apart{because}"
        )
        return "chance", Finding(
            BATCH,
            "wrong",
            text,
            "its numbers cannot be repeated or compared, and its results will not be cached; see that the network is "
            "in "
            "evaluation mode",
        )
    advice = (
        "its numbers depend on --batch-size and on the order of the images, cannot be compared, and will not be "
        "cached; "
        "see that the network is in evaluation mode, with running statistics"
    )
    if alone is None:
        return "batch", Finding(
            BATCH, "wrong", f"the network cannot answer one image by itself{because}", advice
        )
    if (apart := spread_between(alone, once[: len(alone)])) > limit:
        text = f"an image alone gets another answer than in a batch, {_percent(apart)} of its spread apart{because}"
        return "batch", Finding(BATCH, "wrong", text, advice)
    return None, Finding(
        BATCH, "ok", f"{len(alone)} images alone get the answers that they get in a batch of {len(once)}"
    )


def suspects(module: nn.Module) -> list[str]:
    """Return which layers can make answers depend on the batch or on chance, as the network is now; in words."""
    found = Counter(filter(None, map(_suspicion, module.modules())))
    return [f"{count} {kind}" for kind, count in found.items()]


def _suspicion(layer: nn.Module) -> str | None:
    # A layer of TorchScript is called as it was before.
    kind = str(getattr(layer, "original_name", type(layer).__name__))
    if isinstance(layer, nn.modules.batchnorm._BatchNorm) or "BatchNorm" in kind:  # noqa: SLF001  torch's only name
        if layer.training:
            return f"{kind} in training mode"
        return f"{kind} without running statistics" if _no_statistics(layer) else None
    rates: Iterable[object] = (getattr(layer, name, None) for name in ("p", "drop_prob", "drop_rate"))
    if layer.training and _DROPS.search(kind) and any(isinstance(rate, float) and rate > 0 for rate in rates):
        return f"{kind} in training mode"
    return None


def _no_statistics(layer: nn.Module) -> bool:
    return getattr(layer, "running_mean", 0) is None


def _percent(share: float) -> str:
    return "more than 100 %" if share > 1 else f"{100 * share:.2g} %"
