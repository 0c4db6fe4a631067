import numpy as np
import numpy.typing as npt
import pytest
import torch
from torch import nn

from ppbench.errors import InputError
from ppbench.models.push_pull import PushPull2020Conv2d

Array = npt.NDArray[np.float64]


def enlarge(kernel: Array, size: int) -> Array:
    """Bilinear interpolation with the corners kept: NumPy's, along one axis and then the other."""
    for axis in (0, 1):
        places = np.linspace(0, kernel.shape[axis] - 1, size)
        kernel = np.apply_along_axis(
            lambda line, places=places: np.interp(places, np.arange(len(line)), line), axis, kernel
        )
    return kernel


def correlate(x: Array, kernel: Array, padding: int, stride: int) -> Array:
    """One filter over one image: x (C, H, W), kernel (C, k, k)."""
    k = kernel.shape[-1]
    x = np.pad(x, ((0, 0), (padding, padding), (padding, padding)))
    return np.array(
        [
            [(x[:, i : i + k, j : j + k] * kernel).sum() for j in range(0, x.shape[2] - k + 1, stride)]
            for i in range(0, x.shape[1] - k + 1, stride)
        ]
    )


def test_published_enlargement() -> None:
    """Enlarging a Sobel kernel from 3 to 7 gives the published rows, negated."""
    layer = PushPull2020Conv2d(1, 1, 3, padding=1, dtype=torch.float64)
    layer.load_state_dict({"push.weight": torch.tensor([[[[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]]]]).double()})
    row = torch.tensor([-1, -2 / 3, -1 / 3, 0, 1 / 3, 2 / 3, 1]).double()
    pull = layer.pull_kernel()[0, 0]
    for index, times in enumerate((1, 4 / 3, 5 / 3, 2)):
        torch.testing.assert_close(pull[index], -times * row)


@pytest.mark.parametrize("kernel, scale, size", [(3, 2, 7), (7, 2, 15), (3, 1, 3), (5, 1.5, 7), (3, 1.5, 5)])
def test_pull_sizes(kernel: int, scale: float, size: int) -> None:
    """The pull kernel's side is the push kernel's times the scale, rounded down, plus one if even."""
    layer = PushPull2020Conv2d(2, 3, kernel, scale=scale)
    assert layer.pull_kernel().shape == (3, 2, size, size)


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("train", [False, True])
@pytest.mark.parametrize("kernel, padding, scale", [(3, 1, 2), (7, 3, 2), (3, 0, 1), (5, 1, 1.5)])
def test_matches_the_definition(
    stride: int, bias: bool, train: bool, kernel: int, padding: int, scale: float
) -> None:
    """The layer gives NumPy's relu(x * W + b) - a relu(x * V - b), a trained strength rectified."""
    rng = np.random.default_rng(0)
    w, x = rng.normal(size=(3, 2, kernel, kernel)), rng.normal(size=(1, 2, 12, 11))
    b = rng.normal(size=3) if bias else np.zeros(3)
    alpha = np.array([0.7, -0.4, 1.3]) if train else np.full(3, 0.8)
    layer = PushPull2020Conv2d(
        2,
        3,
        kernel,
        stride=stride,
        padding=padding,
        bias=bias,
        alpha=0.8,
        scale=scale,
        train_alpha=train,
        dtype=torch.float64,
    )
    state = {"push.weight": torch.from_numpy(w)}
    if bias:
        state["push.bias"] = torch.from_numpy(b)
    if train:
        state["alpha"] = torch.from_numpy(alpha).view(1, 3, 1, 1)
    layer.load_state_dict(state)
    size = layer.pull_kernel().shape[-1]
    for o in range(3):
        pull_kernel = np.stack([-enlarge(channel, size) for channel in w[o]])
        push = correlate(x[0], w[o], padding, stride) + b[o]
        pull = correlate(x[0], pull_kernel, padding + size // 2 - kernel // 2, stride) - b[o]
        expected = np.maximum(push, 0) - max(alpha[o], 0) * np.maximum(pull, 0)
        np.testing.assert_allclose(layer(torch.from_numpy(x))[0, o].detach().numpy(), expected, atol=1e-10)


def test_dilation_keeps_maps_aligned() -> None:
    """A dilated layer keeps the size of its push map."""
    layer = PushPull2020Conv2d(1, 1, 3, padding=2, dilation=2)
    assert layer(torch.zeros(1, 1, 9, 9)).shape == (1, 1, 9, 9)


@pytest.mark.parametrize("train", [False, True])
def test_gradcheck(train: bool) -> None:
    """The gradients of input, kernel, bias and strength are those of finite differences."""
    torch.manual_seed(0)
    layer = PushPull2020Conv2d(2, 2, 3, padding=1, bias=True, train_alpha=train, dtype=torch.float64)
    x = torch.randn(1, 2, 5, 5, dtype=torch.float64, requires_grad=True)
    names = [name for name, _ in layer.named_parameters()]

    def forward(x: torch.Tensor, *values: torch.Tensor) -> torch.Tensor:
        return torch.func.functional_call(layer, dict(zip(names, values, strict=True)), (x,))

    assert torch.autograd.gradcheck(forward, (x, *layer.parameters()))


def test_state_dict_names() -> None:
    """The names in the state dict are the published layer's; only a trained strength is stored."""
    assert list(PushPull2020Conv2d(3, 16, 3).state_dict()) == ["push.weight"]
    trained = PushPull2020Conv2d(3, 16, 3, train_alpha=True)
    assert {k: tuple(v.shape) for k, v in trained.state_dict().items()} == {
        "alpha": (1, 16, 1, 1),
        "push.weight": (16, 3, 3, 3),
    }
    assert isinstance(trained.alpha, nn.Parameter)
    assert (trained.alpha - 0.5).abs().max() <= 1 / 48**0.5


@pytest.mark.parametrize(
    "kernel, scale, match",
    [(4, 2.0, "expected kernel_size to be odd, got 4"), (3, 0.5, "scale to be 1 or more")],
)
def test_refused(kernel: int, scale: float, match: str) -> None:
    """Kernels without a centre and shrinking pull kernels are refused in one line."""
    with pytest.raises(InputError, match=match):
        PushPull2020Conv2d(1, 1, kernel, scale=scale)


def test_autocast() -> None:
    """Under bfloat16 autocast the layer answers in bfloat16, near its single-precision result."""
    torch.manual_seed(0)
    layer = PushPull2020Conv2d(3, 16, 3, padding=1, train_alpha=True)
    x = torch.randn(2, 3, 32, 32)
    exact = layer(x)
    with torch.autocast("cpu", torch.bfloat16):
        rounded = layer(x)
    assert rounded.dtype == torch.bfloat16
    assert (rounded.float() - exact).abs().max() <= 0.02 * exact.abs().max()


@pytest.mark.slow
def test_compile() -> None:
    """torch.compile takes the layer in one graph and changes nothing beyond rounding."""
    torch.manual_seed(0)
    layer = PushPull2020Conv2d(3, 8, 3, padding=1, train_alpha=True)
    x = torch.randn(2, 3, 16, 16)
    torch.testing.assert_close(torch.compile(layer, fullgraph=True)(x), layer(x), rtol=1e-5, atol=1e-5)
