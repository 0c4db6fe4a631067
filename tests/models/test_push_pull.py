"""The 2024 push-pull unit as a module: its state, its window, its precisions and devices."""

import pytest
import torch
from torch import nn

from ppbench.errors import InputError
from ppbench.models.push_pull import PushPullConv2d, window_average


def test_state_dict_names() -> None:
    """The names in the state dict are the published unit's; a fixed strength leaves no trace in it."""
    trained = PushPullConv2d(3, 8, 3, trainable_pull_inhibition=True)
    assert {k: tuple(v.shape) for k, v in trained.state_dict().items()} == {
        "push_conv.weight": (8, 3, 3, 3),
        "pull_inhibition_strength": (8,),
        "bias": (8,),
    }
    assert list(PushPullConv2d(3, 8, 3, pull_inhibition_strength=2.0).state_dict()) == [
        "bias",
        "push_conv.weight",
    ]
    assert list(PushPullConv2d(3, 8, 3, bias=False).state_dict()) == ["push_conv.weight"]


def test_initial_ranges() -> None:
    """Strengths start uniform between 0 and 1, biases between -1 and 1."""
    torch.manual_seed(0)
    unit = PushPullConv2d(3, 4000, 1, trainable_pull_inhibition=True)
    strength = unit.pull_inhibition_strength
    assert isinstance(strength, nn.Parameter)
    assert unit.bias is not None
    assert strength.min() >= 0
    assert strength.max() <= 1
    assert abs(strength.mean().item() - 0.5) < 0.02
    assert unit.bias.min() < -0.99
    assert unit.bias.max() > 0.99


@pytest.mark.parametrize("size", [2, 4, -1])
def test_even_window(size: int) -> None:
    """A window that would change the size of the map is refused in one line."""
    with pytest.raises(InputError, match="expected avg_kernel_size to be 0 or an odd number, got"):
        PushPullConv2d(3, 4, 3, avg_kernel_size=size)


@pytest.mark.parametrize("size", [1, 3, 5, 7])
@pytest.mark.parametrize("shape", [(2, 3, 8, 9), (1, 1, 1, 1), (1, 2, 2, 6), (2, 16, 17, 19)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_window_average(
    size: int, shape: tuple[int, ...], dtype: torch.dtype, layout: torch.memory_format
) -> None:
    """The window average and its gradient are torch's own, which counts no padding; on small maps too."""
    x = torch.randn(shape, dtype=dtype).to(memory_format=layout).requires_grad_()
    weights = torch.randn(shape, dtype=dtype)
    found = []
    for average in (
        window_average(x, size, shape[1]),
        nn.functional.avg_pool2d(x, size, 1, size // 2, count_include_pad=False),
    ):
        (gradient,) = torch.autograd.grad((average * weights).sum(), x)
        found.append((average, gradient))
    torch.testing.assert_close(*found)


def test_window_average_without_onednn(monkeypatch: pytest.MonkeyPatch) -> None:
    """A torch that was built without it takes shifted sums, in single precision too."""
    x = torch.randn(2, 16, 17, 19)
    expected = window_average(x, 5, 16)
    monkeypatch.setattr("ppbench.models.push_pull._ONEDNN", False)
    torch.testing.assert_close(window_average(x, 5, 16), expected)


@pytest.mark.parametrize("fast", [False, True])
def test_autocast(fast: bool) -> None:
    """Under bfloat16 autocast either path stays within bfloat16's rounding of the single-precision result."""
    torch.manual_seed(0)
    unit = PushPullConv2d(3, 16, 3, trainable_pull_inhibition=True, padding=1, fast=fast)
    x = torch.randn(4, 3, 32, 32)
    exact = unit(x)
    with torch.autocast("cpu", torch.bfloat16):
        rounded = unit(x)
    assert rounded.dtype == torch.bfloat16
    assert torch.isfinite(rounded).all()
    # Products of 27 terms with 8 bits of mantissa each, the pull response being the larger of the two.
    assert (rounded.float() - exact).abs().max() <= 0.02 * exact.abs().max()
    rounded.float().sum().backward()
    assert all(p.grad is not None and torch.isfinite(p.grad).all() for p in unit.parameters())


def test_half_precision_module() -> None:
    """A unit cast to bfloat16 answers in bfloat16 on both paths, and the paths agree to its rounding."""
    torch.manual_seed(0)
    unit = PushPullConv2d(3, 8, 3, padding=1).to(torch.bfloat16)
    x = torch.randn(2, 3, 16, 16).to(torch.bfloat16)
    fast = unit(x)
    unit.fast = False
    reference = unit(x)
    assert fast.dtype == reference.dtype == torch.bfloat16
    assert (fast.float() - reference.float()).abs().max() <= 0.02 * reference.float().abs().max()


def test_no_gpu_needed() -> None:
    """A unit can be made and run on the meta device, so nothing of it asks for CUDA."""
    with torch.device("meta"):
        unit = PushPullConv2d(3, 8, 3, trainable_pull_inhibition=True)
        assert unit(torch.empty(2, 3, 8, 8)).shape == (2, 8, 6, 6)


@pytest.mark.gpu
def test_gpu() -> None:
    """On a GPU both paths give the CPU's double-precision responses."""
    if not torch.cuda.is_available():
        pytest.skip("needs a CUDA device")
    unit = PushPullConv2d(3, 16, 3, trainable_pull_inhibition=True, padding=1, dtype=torch.float64)
    x = torch.randn(4, 3, 32, 32, dtype=torch.float64)
    expected = unit(x)
    for fast in (False, True):
        unit.fast = fast
        torch.testing.assert_close(unit.cuda()(x.cuda()).cpu(), expected)
