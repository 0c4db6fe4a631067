"""What does a network return: logits, logarithms of probabilities, probabilities, or something else?"""

import torch
from torch import Tensor

from ppbench.models.input_spec import OutputKind
from ppbench.setup.finding import Finding

OUTPUTS = "outputs"

_SUM = 2e-3
"""How far from 1 a sum of probabilities may be: 1,000 of them rounded to float16 are within 0.002."""


def not_finite_advice(precision: str) -> str:
    """Return what to do about answers that are not finite, in a precision."""
    look = "look for a division by zero in the network or in --std"
    return look if precision == "fp32" else f"try --precision fp32, or {look}"


def judge(answers: Tensor, precision: str = "fp32") -> tuple[OutputKind, Finding]:
    """Decide what a network returns; for probabilities all rows have to be such.

    Args:
        answers: what it returned for some images, float32 (n, C).
        precision: of the network's arithmetic.
    """
    finite = answers.isfinite().all(dim=1)
    if not finite.all():
        count = int((~finite).sum())
        return "logits", Finding(
            OUTPUTS,
            "wrong",
            f"{count} of {len(answers)} images get answers that are not finite, which count as errors",
            not_finite_advice(precision),
        )
    if answers.shape[1] < 2:
        return "logits", Finding(OUTPUTS, "skipped", "one class only: nothing to decide")
    if (answers.amax(dim=1) == answers.amin(dim=1)).all():
        return "logits", Finding(
            OUTPUTS, "wrong", "all classes get the same answer", "was the network trained, and loaded whole?"
        )
    if not _within_0_and_1(answers):
        told = "log-probabilities, which do as logits" if _log_probabilities(answers) else "logits"
        return "logits", Finding(OUTPUTS, "ok", told)
    sums = answers.sum(dim=1)
    if ((sums - 1).abs() <= _SUM).all():
        if ((answers == 0) | (answers == 1)).all():
            return "probabilities", Finding(
                OUTPUTS,
                "notice",
                "every answer is 1 for one class and 0 for the others: it has no confidence",
                "predicted classes are right, NLL, Brier score and calibration mean nothing",
            )
        return "probabilities", Finding(
            OUTPUTS,
            "notice",
            "it returns probabilities (no answer below 0, each row sums to 1): their logarithm is taken as logits, "
            "which makes NLL and calibration right if softmax was taken once",
        )
    return "logits", Finding(
        OUTPUTS,
        "notice",
        "every answer lies between 0 and 1, and rows do not sum to 1 (a sigmoid for each class?)",
        "predicted classes are right, but softmax of them is no probability: NLL, Brier score and calibration are "
        "not; return logits",
    )


def _within_0_and_1(answers: Tensor) -> bool:
    return bool((answers >= 0).all() and (answers <= 1 + _SUM).all())


def _log_probabilities(answers: Tensor) -> bool:
    return bool((torch.logsumexp(answers, dim=1).abs() <= _SUM).all())
