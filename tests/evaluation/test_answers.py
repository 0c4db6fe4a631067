"""Reducing logits to answers."""

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from ppbench.evaluation.answers import INVALID, Answers
from ppbench.evaluation.reduction import fetch, reduce


def answers_of(logits: torch.Tensor, labels: torch.Tensor) -> Answers:
    """The answers to one batch."""
    return fetch([reduce(logits, labels)])


def _softmax(logits: np.ndarray) -> np.ndarray:
    e = np.exp(logits - logits.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


@given(st.integers(0, 2**32 - 1), st.integers(1, 20), st.integers(2, 12))
def test_answers_agree_with_the_definitions(seed: int, n: int, classes: int) -> None:
    """Prediction, confidence, NLL, Brier and top-5 equal a plain NumPy computation in double precision."""
    random = np.random.default_rng(seed)
    logits, labels = random.normal(0, 3, (n, classes)), random.integers(0, classes, n)
    answers = answers_of(torch.tensor(logits, dtype=torch.float32), torch.tensor(labels))
    p = _softmax(logits.astype(np.float32).astype(np.float64))
    rows = np.arange(n)
    np.testing.assert_array_equal(answers.predictions, p.argmax(1))
    np.testing.assert_allclose(answers.confidences, p.max(1), rtol=1e-5)
    np.testing.assert_allclose(answers.nll, -np.log(p[rows, labels]), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(
        answers.brier, ((p - np.eye(classes)[labels]) ** 2).sum(1), rtol=1e-4, atol=1e-5
    )
    ranks = (p > p[rows, labels][:, None]).sum(1)
    np.testing.assert_array_equal(answers.in_top5, ranks < 5)


def test_logits_that_are_not_finite_are_errors_never_luck() -> None:
    """NaN or infinite logits give no class, zero confidence and the worst scores, for that image alone."""
    logits = torch.tensor([[float("nan"), 0.0], [float("inf"), 0.0], [2.0, 1.0]])
    answers = answers_of(logits, torch.tensor([0, 0, 0]))
    assert answers.predictions.tolist() == [INVALID, INVALID, 0]
    assert answers.confidences[:2].tolist() == [0.0, 0.0]
    assert np.isinf(answers.nll[:2]).all()
    assert np.isfinite(answers.nll[2])
    assert answers.brier[:2].tolist() == [2.0, 2.0]
    assert answers.in_top5.tolist() == [False, False, True]


def test_a_constant_network_is_not_right_on_every_class_in_top5() -> None:
    """With all logits equal the five lowest classes count as the top five, not all ten."""
    answers = answers_of(torch.zeros(10, 10), torch.arange(10))
    assert answers.in_top5.sum() == 5
