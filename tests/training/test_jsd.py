"""The consistency loss."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import rel_entr, softmax

from ppbench.training.augmentations.augmix import jsd_loss


def _logits(n: int, classes: int, scale: float, seed: int) -> tuple[torch.Tensor, ...]:
    generator = torch.Generator().manual_seed(seed)
    return tuple(scale * torch.randn(n, classes, generator=generator) for _ in range(3))


@given(n=st.integers(1, 9), classes=st.integers(2, 20), scale=st.floats(0.01, 30.0), seed=st.integers(0, 99))
def test_the_loss_is_the_definition(n: int, classes: int, scale: float, seed: int) -> None:
    """Σ p log(p / m) for the three answers, a third of each, in NumPy's float64; it is never below zero."""
    logits = _logits(n, classes, scale, seed)
    p = [softmax(one.double().numpy(), axis=1) for one in logits]
    mean = np.clip(sum(p) / 3, 1e-7, 1.0)
    wanted = 12.0 * np.mean([rel_entr(one, mean).sum(1) for one in p], axis=0).mean()
    got = jsd_loss(*logits)
    assert got.item() == pytest.approx(wanted, rel=2e-5, abs=1e-5)
    assert got.item() > -1e-5
    assert jsd_loss(*(one.double() for one in logits)).item() == pytest.approx(wanted, rel=1e-12, abs=1e-14)


def test_equal_answers_cost_nothing() -> None:
    """Zero, with a gradient of zero, whatever constant is added to an image's logits."""
    logits = torch.randn(5, 10, dtype=torch.float64, requires_grad=True)
    loss = jsd_loss(logits, logits + 3.0, logits - torch.arange(5.0)[:, None])
    assert abs(loss.item()) < 1e-14
    loss.backward()
    assert logits.grad is not None
    assert logits.grad.abs().max() < 1e-14


def test_quite_different_answers_cost_the_most() -> None:
    """Three sure and different answers: 12 · log 3; two alike and one other: 12 · (log 3 - 2/3 · log 2)."""
    sure = 60.0 * torch.eye(3, dtype=torch.float64)
    a, b, c = (row[None] for row in sure)
    assert jsd_loss(a, b, c).item() == pytest.approx(12 * np.log(3))
    assert jsd_loss(a, a, b).item() == pytest.approx(12 * (np.log(3) - 2 / 3 * np.log(2)))


def test_the_order_of_the_views_does_not_matter_and_the_weight_is_a_factor() -> None:
    """A symmetric divergence, times the weight."""
    a, b, c = _logits(6, 10, 2.0, 0)
    torch.testing.assert_close(jsd_loss(a, b, c), jsd_loss(c, a, b))
    torch.testing.assert_close(jsd_loss(a, b, c, weight=3.0), jsd_loss(a, b, c) / 4.0)
    assert jsd_loss(a, b, c, weight=0.0) == 0.0


def test_gradients_are_the_numerical_ones() -> None:
    """In float64, for all three views."""
    logits = [one.double().requires_grad_() for one in _logits(3, 4, 1.0, 1)]
    assert torch.autograd.gradcheck(jsd_loss, logits)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_worked_out_in_float32(dtype: torch.dtype) -> None:
    """The loss of the rounded logits, to float32; huge logits stay finite."""
    logits = [one.to(dtype) for one in _logits(6, 10, 4.0, 2)]
    loss = jsd_loss(*logits)
    assert loss.dtype == torch.float32
    torch.testing.assert_close(loss, jsd_loss(*(one.float() for one in logits)))
    assert jsd_loss(*(1000 * one for one in logits)).isfinite()
