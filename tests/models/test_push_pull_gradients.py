"""The gradients of the 2024 push-pull unit, and what torch.compile makes of it."""

import pytest
import torch
from torch import nn

from ppbench.models.push_pull import PushPullConv2d


@pytest.mark.parametrize("fast", [False, True])
@pytest.mark.parametrize("avg", [0, 3])
@pytest.mark.parametrize("groups", [1, 2])
def test_gradcheck(fast: bool, avg: int, groups: int) -> None:
    """The gradients of input, kernel, strength and bias are those of finite differences."""
    torch.manual_seed(1)
    unit = PushPullConv2d(
        2,
        4,
        3,
        avg_kernel_size=avg,
        trainable_pull_inhibition=True,
        padding=1,
        groups=groups,
        fast=fast,
        dtype=torch.float64,
    )
    x = torch.randn(1, 2, 5, 4, dtype=torch.float64, requires_grad=True)
    names = [name for name, _ in unit.named_parameters()]

    def forward(x: torch.Tensor, *values: torch.Tensor) -> torch.Tensor:
        return torch.func.functional_call(unit, dict(zip(names, values, strict=True)), (x,))

    assert torch.autograd.gradcheck(forward, (x, *unit.parameters()))


def test_ties_share_the_gradient() -> None:
    """Weights that tie for the greatest or the least share the offset's gradient evenly."""
    unit = PushPullConv2d(1, 1, 2, dtype=torch.float64)
    with torch.no_grad():
        unit.weight.copy_(torch.tensor([[[[2.0, 2.0], [2.0, -1.0]]]]))
    unit.offset().sum().backward()  # type: ignore[no-untyped-call]  # torch leaves Tensor.backward untyped
    assert unit.weight.grad is not None
    torch.testing.assert_close(unit.weight.grad.flatten(), torch.tensor([1 / 3, 1 / 3, 1 / 3, 1]).double())


@pytest.mark.parametrize("fast", [False, True])
def test_paths_share_gradients(fast: bool) -> None:
    """With every weight a tie and most pixels zero, both paths still have the same gradients."""
    unit = PushPullConv2d(2, 2, 3, padding=1, dtype=torch.float64, fast=fast)
    nn.init.constant_(unit.weight, 0.5)
    x = torch.zeros(1, 2, 4, 4, dtype=torch.float64)
    x[0, 0, 1, 1] = 1
    unit(x).sum().backward()
    grad = unit.weight.grad
    assert grad is not None
    other = PushPullConv2d(2, 2, 3, padding=1, dtype=torch.float64, fast=not fast)
    other.load_state_dict(unit.state_dict())
    other(x).sum().backward()
    torch.testing.assert_close(grad, other.weight.grad)


@pytest.mark.slow
@pytest.mark.parametrize("fast", [False, True])
def test_compile(fast: bool) -> None:
    """torch.compile takes the unit in one graph and changes nothing beyond rounding."""
    torch.manual_seed(0)
    unit = PushPullConv2d(3, 8, 3, trainable_pull_inhibition=True, padding=1, fast=fast)
    x = torch.randn(2, 3, 16, 16)
    expected = unit(x)
    expected.sum().backward()
    grads = [p.grad.clone() for p in unit.parameters() if p.grad is not None]
    unit.zero_grad()
    compiled = torch.compile(unit, fullgraph=True)
    got = compiled(x)
    got.sum().backward()
    torch.testing.assert_close(got, expected, rtol=1e-5, atol=1e-5)
    for p, grad in zip(unit.parameters(), grads, strict=True):
        torch.testing.assert_close(p.grad, grad, rtol=1e-4, atol=1e-3)
