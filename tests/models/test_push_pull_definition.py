"""The 2024 push-pull unit against its definition, the published example, and its two paths against each other."""

import numpy as np
import numpy.typing as npt
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from ppbench.models.push_pull import PushPullConv2d

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
