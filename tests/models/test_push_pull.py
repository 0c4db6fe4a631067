import numpy as np
import numpy.typing as npt
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from ppbench.errors import InputError
from ppbench.models.push_pull import PushPullConv2d, window_average

Array = npt.NDArray[np.float64]


def oracle(
    x: Array,
    w: Array,
    alpha: Array,
    bias: Array,
    *,
    avg: int,
    stride: int,
    padding: int,
    dilation: int,
    groups: int,
) -> Array:
    """The unit written with NumPy loops straight from the definition, sharing nothing with the torch code."""
    out, per_group, kh, kw = w.shape
    pull_kernel = -w + (w.max((1, 2, 3)) + w.min((1, 2, 3)))[:, None, None, None]
    x = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    height = (x.shape[2] - dilation * (kh - 1) - 1) // stride + 1
    width = (x.shape[3] - dilation * (kw - 1) - 1) // stride + 1
    push, pull = np.zeros((2, x.shape[0], out, height, width))
    for o in range(out):
        first = o // (out // groups) * per_group
        for i in range(height):
            for j in range(width):
                rows = slice(i * stride, i * stride + dilation * (kh - 1) + 1, dilation)
                cols = slice(j * stride, j * stride + dilation * (kw - 1) + 1, dilation)
                patch = x[:, first : first + per_group, rows, cols]
                push[:, o, i, j] = (patch * w[o]).sum((1, 2, 3))
                pull[:, o, i, j] = (patch * pull_kernel[o]).sum((1, 2, 3))
    if avg:
        r = avg // 2
        pull = np.stack(
            [
                np.stack(
                    [
                        pull[..., max(0, i - r) : i + r + 1, max(0, j - r) : j + r + 1].mean((2, 3))
                        for j in range(width)
                    ],
                    axis=-1,
                )
                for i in range(height)
            ],
            axis=-2,
        )
    y: Array = np.maximum(push, 0) - alpha[:, None, None] * np.maximum(pull, 0) + bias[:, None, None]
    return y


def published_unit(*, avg: int, stride: int, bias: tuple[float, float], fast: bool) -> PushPullConv2d:
    """The unit of the published example: a Laplacian and a Sobel filter, strengths 1 and 0.5."""
    unit = PushPullConv2d(
        1,
        2,
        3,
        avg_kernel_size=avg,
        trainable_pull_inhibition=True,
        stride=stride,
        padding=1,
        fast=fast,
        dtype=torch.float64,
    )
    kernels = [[[0, 1, 0], [1, -3, 1], [0, 1, 0]], [[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]]]
    unit.load_state_dict(
        {
            "push_conv.weight": torch.tensor(kernels).double()[:, None],
            "pull_inhibition_strength": torch.tensor([1.0, 0.5]),
            "bias": torch.tensor(bias),
        }
    )
    return unit


X = torch.arange(16, dtype=torch.float64).view(1, 1, 4, 4) - 7


@pytest.mark.parametrize("fast", [False, True])
def test_average_vector(fast: bool) -> None:
    """The published example with window 3, strengths 1 and 0.5 and a bias comes out, on both paths."""
    y = published_unit(avg=3, stride=1, bias=(0.25, -0.25), fast=fast)(X)[0]
    expected = [
        [
            [-21.5, -26.75, -21.25, -10.5],
            [-11.75, -7.75, -1.638889, 0.25],
            [1.25, 2.25, 3.25, 0.25],
            [0.25] * 4,
        ],
        [
            [-1.25, 5.75, 5.75, 10.75],
            [-0.25, 7.75, 7.75, 3.75],
            [7.75, 7.75, 7.75, -0.5],
            [13.75, 5.75, 5.666667, -2.125],
        ],
    ]
    torch.testing.assert_close(y, torch.tensor(expected).double(), rtol=0, atol=1e-6)


@pytest.mark.parametrize("fast", [False, True])
def test_stride_vector(fast: bool) -> None:
    """The published example with stride 2 and no average comes out, on both paths."""
    y = published_unit(avg=0, stride=2, bias=(0, 0), fast=fast)(X)[0]
    expected = torch.tensor([[[-12, -28], [1, 3]], [[-7, 6], [8, 8]]]).double()
    torch.testing.assert_close(y, expected, rtol=0, atol=1e-9)


def test_push_responses() -> None:
    """The push responses of the published example are those of a plain convolution with the unit's weight."""
    push = nn.functional.conv2d(X, published_unit(avg=0, stride=1, bias=(0, 0), fast=True).weight, padding=1)[
        0
    ]
    assert push[0].tolist() == [[12, 4, 4, 7], [1, -2, -1, -1], [1, 2, 3, -1], [-8, -4, -4, -13]]
    assert push[1].tolist() == [[-14, 6, 6, 11], [-8, 8, 8, 4], [8, 8, 8, -12], [14, 6, 6, -17]]


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**31),
    groups=st.sampled_from([1, 2, 3]),
    per_group=st.integers(1, 3),
    filters=st.integers(1, 3),
    kernel=st.integers(1, 4),
    avg=st.sampled_from([0, 1, 3, 5]),
    stride=st.integers(1, 3),
    padding=st.integers(0, 2),
    dilation=st.integers(1, 2),
    fast=st.booleans(),
)
def test_matches_the_definition(
    seed: int,
    groups: int,
    per_group: int,
    filters: int,
    kernel: int,
    avg: int,
    stride: int,
    padding: int,
    dilation: int,
    fast: bool,
) -> None:
    """Whatever the geometry, groups and window, both paths give what NumPy loops over the definition give."""
    rng = np.random.default_rng(seed)
    out = groups * filters
    x = rng.normal(size=(2, groups * per_group, 9, 8))
    w = rng.normal(size=(out, per_group, kernel, kernel))
    alpha, bias = rng.normal(size=(2, out))
    unit = PushPullConv2d(
        groups * per_group,
        out,
        kernel,
        avg_kernel_size=avg,
        trainable_pull_inhibition=True,
        stride=stride,
        padding=padding,
        dilation=dilation,
        groups=groups,
        fast=fast,
        dtype=torch.float64,
    )
    unit.load_state_dict(
        {
            "push_conv.weight": torch.from_numpy(w),
            "pull_inhibition_strength": torch.from_numpy(alpha),
            "bias": torch.from_numpy(bias),
        }
    )
    y = unit(torch.from_numpy(x)).detach().numpy()
    expected = oracle(
        x, w, alpha, bias, avg=avg, stride=stride, padding=padding, dilation=dilation, groups=groups
    )
    np.testing.assert_allclose(y, expected, rtol=0, atol=1e-10)


@pytest.mark.parametrize("kernel, padding", [((3, 5), "same"), ((5, 3), (2, 1)), (3, "valid")])
def test_padding_kinds(kernel: int | tuple[int, int], padding: str | tuple[int, int]) -> None:
    """Uneven kernels and the paddings "same" and "valid" mean what they mean to Conv2d, on both paths."""
    unit = PushPullConv2d(3, 4, kernel, padding=padding, dtype=torch.float64)
    x = torch.randn(2, 3, 11, 9, dtype=torch.float64)
    fast = unit(x)
    unit.fast = False
    torch.testing.assert_close(fast, unit(x), rtol=0, atol=1e-10)
    assert fast.shape == unit.push_conv(x).shape


@pytest.mark.parametrize("avg", [0, 3, 5])
@pytest.mark.parametrize("kernel, stride, padding, side", [(3, 1, 1, 32), (7, 2, 3, 224)])
def test_paths_agree_in_single_precision(avg: int, kernel: int, stride: int, padding: int, side: int) -> None:
    """On images of 32 and 224 pixels the two paths differ by at most 1e-5 of the largest response."""
    torch.manual_seed(0)
    unit = PushPullConv2d(
        3, 16, kernel, avg_kernel_size=avg, trainable_pull_inhibition=True, stride=stride, padding=padding
    )
    x = torch.randn(2, 3, side, side)
    fast = unit(x)
    unit.fast = False
    reference = unit(x)
    assert (fast - reference).abs().max() <= 1e-5 * reference.abs().max()


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
@pytest.mark.parametrize("shape", [(2, 3, 8, 9), (1, 1, 1, 1), (1, 2, 2, 6)])
def test_window_average(size: int, shape: tuple[int, ...]) -> None:
    """The window average is torch's own without the padding counted, also on maps smaller than the window."""
    x = torch.randn(shape, dtype=torch.float64)
    expected = nn.functional.avg_pool2d(x, size, 1, size // 2, count_include_pad=False)
    torch.testing.assert_close(window_average(x, size), expected)


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
