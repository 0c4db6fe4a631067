"""Push-pull convolutions: the unit of PushPull-Net (2024), and the layer of 2020.

The unit of 2024 is inhibited by its own reflected kernel.

For every filter W_o, with lo_o and hi_o its least and greatest value over (input channel, row, column), the
pull kernel is V_o = -W_o + (hi_o + lo_o): the filter reflected about the middle of its own range. The unit
returns

    y_o = relu(x * W_o) - a_o relu(A[x * V_o]) + b_o

where `*` is the layer's convolution, A an average over a square window that counts real pixels only, a the
inhibition strength and b a bias. There is no outer rectifier. (Bennabhaktula, Alegre, Strisciuglio &
Azzopardi, "PushPull-Net", ICPR 2024, arXiv 2408.04077; here after the unit's public description.)

Two paths compute it. The reference path runs both convolutions and torch's average. The fast path uses
x * V_o = c_o S - x * W_o with c_o = hi_o + lo_o and S the box sum of x under the kernel, one map for all filters of a
group; on the CPU it takes the window average from oneDNN's convolution of each channel with ones. The two agree to
1e-5. Measured by `python -m benchmarks.push_pull` on one thread, stems of 32 and 224 pixels with windows 3 and 5:
contiguous 2.2 to 3.6 times as fast forward and 1.4 to 2.0 times with the backward pass; with channels last, where
torch's own average is fast too, 1.0 to 1.8 and 0.9 to 1.2 times. Without the average 0.7 to 1.4 times.

The layer of 2020 has a pull kernel that is the push kernel, negated and enlarged:

    y = relu(x * W + b) - a relu(x * V - b),    V = -upsample(W)

with V bilinearly enlarged so that the corner values stay where they are, about `scale` times as large and
odd, and not renormalised. There is no average and no outer rectifier. (Strisciuglio, Lopez-Antequera &
Petkov, "Enhanced robustness of convolutional networks with a push-pull inhibition layer", Neural Computing
and Applications 2020.)
"""

from contextlib import AbstractContextManager, nullcontext
from math import sqrt
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ppbench.errors import InputError

Pair = int | tuple[int, int]

# Asked for once: torch.compile does not look into the question.
_ONEDNN: bool = torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]  # has no types


class PushPullConv2d(nn.Module):
    """The 2024 push-pull unit, with a convolution's geometry.

    Parameters in the state dict: ``push_conv.weight`` (out, in / groups, kH, kW),
    ``pull_inhibition_strength`` (out,) if it is trainable, and ``bias`` (out,) if there is one. The strength
    starts uniform in [0, 1), the bias in [-1, 1).

    Args:
        in_channels: channels of the input.
        out_channels: filters.
        kernel_size: size of the push kernel and of the pull kernel.
        avg_kernel_size: the side of the averaging window, odd; 0 leaves the average out. The paper's PP3 and
            PP5.
        pull_inhibition_strength: the fixed strength a; not used when it is trainable.
        trainable_pull_inhibition: one learned strength a filter, not held positive.
        stride: as in `torch.nn.Conv2d`.
        padding: as in `torch.nn.Conv2d`: zeros, a number, a pair, ``"same"`` or ``"valid"``.
        dilation: as in `torch.nn.Conv2d`.
        groups: as in `torch.nn.Conv2d`.
        bias: whether a bias is added after the subtraction.
        fast: take the box-sum path; False takes the two convolutions of the definition.
        device: where the parameters are made.
        dtype: the parameters' dtype.

    Raises:
        InputError: `avg_kernel_size` is negative or even (the average would change the size of the map).
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Pair,
        *,
        avg_kernel_size: int = 3,
        pull_inhibition_strength: float = 1.0,
        trainable_pull_inhibition: bool = False,
        stride: Pair = 1,
        padding: Pair | str = 0,
        dilation: Pair = 1,
        groups: int = 1,
        bias: bool = True,
        fast: bool = True,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        if avg_kernel_size < 0 or (avg_kernel_size and avg_kernel_size % 2 == 0):
            raise InputError(f"expected avg_kernel_size to be 0 or an odd number, got {avg_kernel_size}")
        self.push_conv = nn.Conv2d(
            in_channels,
            out_channels,
            kernel_size,
            stride,
            padding,
            dilation,
            groups,
            bias=False,
            device=device,
            dtype=dtype,
        )
        self.avg_kernel_size = avg_kernel_size
        self.fast = fast
        self.pull_inhibition_strength: nn.Parameter | float = pull_inhibition_strength
        if trainable_pull_inhibition:
            self.pull_inhibition_strength = nn.Parameter(
                torch.empty(out_channels, device=device, dtype=dtype)
            )
        self.bias = nn.Parameter(torch.empty(out_channels, device=device, dtype=dtype)) if bias else None
        self.reset_parameters()

    @property
    def weight(self) -> nn.Parameter:
        """The push kernel, under the name that a convolution gives it."""
        return cast("nn.Parameter", self.push_conv.weight)

    @torch.no_grad()
    def reset_parameters(self) -> None:
        """Draw the push kernel as `Conv2d` does, the strength from U(0, 1) and the bias from U(-1, 1)."""
        self.push_conv.reset_parameters()
        if isinstance(self.pull_inhibition_strength, nn.Parameter):
            self.pull_inhibition_strength.uniform_(0, 1)
        if self.bias is not None:
            self.bias.uniform_(-1, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Return the inhibited response to `x` (N, in, H, W): (N, out, H', W'), in the push's dtype."""
        push = self.push_conv(x)
        pull = self._pull_fast(x, push) if self.fast else self._pull_reference(x)
        strength = self.pull_inhibition_strength
        scale = strength.view(-1, 1, 1) if isinstance(strength, Tensor) else strength
        y: Tensor = F.relu(push) - scale * F.relu(pull)
        if self.bias is not None:
            y = y + self.bias.view(-1, 1, 1)
        return y.to(push.dtype)

    def offset(self) -> Tensor:
        """Return c = hi + lo of every filter, (out, 1, 1, 1). Ties share the gradient evenly."""
        w = self.push_conv.weight
        return w.amax((1, 2, 3), keepdim=True) + w.amin((1, 2, 3), keepdim=True)

    def _pull_reference(self, x: Tensor) -> Tensor:
        conv = self.push_conv
        pull_kernel = self.offset() - conv.weight
        pull = F.conv2d(x, pull_kernel, None, conv.stride, conv.padding, conv.dilation, conv.groups)
        size = self.avg_kernel_size
        return F.avg_pool2d(pull, size, 1, size // 2, count_include_pad=False) if size else pull

    def _pull_fast(self, x: Tensor, push: Tensor) -> Tensor:
        # c S - push cancels digits, so it is never done in half precision, whatever autocast would like.
        exact = torch.promote_types(torch.float32, x.dtype)
        with _autocast_off(x.device.type):
            box = self._box_sum(x.to(exact))
            # M = push - c S is minus the pull response: one pass over memory instead of two.
            minus_pull = torch.addcmul(push.to(exact), self.offset()[:, 0].to(exact), box, value=-1)
            if self.avg_kernel_size:
                minus_pull = window_average(minus_pull, self.avg_kernel_size, self.push_conv.out_channels)
            return -minus_pull

    def _box_sum(self, x: Tensor) -> Tensor:
        """Return S, the sum of x under the kernel, (N, 1, H', W') or, with groups, (N, out, H', W')."""
        conv = self.push_conv
        n, channels, height, width = x.shape
        x = x.view(n, conv.groups, channels // conv.groups, height, width).sum(2)
        ones = x.new_ones(conv.groups, 1, *conv.kernel_size)
        box = F.conv2d(x, ones, None, conv.stride, conv.padding, conv.dilation, conv.groups)
        return box if conv.groups == 1 else box.repeat_interleave(conv.out_channels // conv.groups, dim=1)


def _autocast_off(device_type: str) -> AbstractContextManager[object]:
    # Asked for only where it is on: the meta device, for one, has no autocast to switch off.
    if torch.amp.is_autocast_available(device_type) and torch.is_autocast_enabled(device_type):
        return torch.autocast(device_type, enabled=False)
    return nullcontext()


def window_average(x: Tensor, size: int, channels: int) -> Tensor:
    """Average `x` (N, channels, H, W) over a `size` x `size` window, stride 1, counting real pixels only.

    The number of channels is given, not read off `x`: exported graphs and traces have to know a kernel's shape.
    """
    radius = size // 2
    if x.device.type != "cpu":
        return F.avg_pool2d(x, size, 1, radius, count_include_pad=False)
    height, width = x.shape[-2:]
    counts = _real_pixels(height, radius, x)[:, None] * _real_pixels(width, radius, x)
    return _window_sum(x, size, radius, channels) / counts


def _window_sum(x: Tensor, size: int, radius: int, channels: int) -> Tensor:
    """Sum over the window, zeros beyond the map; CPU only."""
    if x.dtype == torch.float32 and _ONEDNN:
        # A convolution of each channel with ones: oneDNN's is 2 to 9 times as fast as shifted maps and avg_pool2d,
        # backward even more so, and fastest with channels last.
        ones = x.new_ones(channels, 1, size, size)
        return F.conv2d(x, ones, padding=radius, groups=channels)
    # avg_pool2d is not vectorised for this layout: sums of shifted maps, rows then columns, are several times faster.
    height, width = x.shape[-2:]
    padded = F.pad(x, (radius, radius, radius, radius))
    rows = padded[..., :height, :]
    for i in range(1, size):
        rows = rows + padded[..., i : i + height, :]
    total = rows[..., :width]
    for j in range(1, size):
        total = total + rows[..., j : j + width]
    return total


def _real_pixels(length: int, radius: int, like: Tensor) -> Tensor:
    """How many of the window's 2 * radius + 1 places lie on the map, for each centre, (length,)."""
    centre = torch.arange(length, device=like.device)
    first, last = (centre - radius).clamp(min=0), (centre + radius).clamp(max=length - 1)
    return (last - first + 1).to(like.dtype)


class PushPull2020Conv2d(nn.Module):
    """The 2020 push-pull layer.

    Parameters in the state dict: ``push.weight`` (out, in / groups, k, k), ``push.bias`` (out,) if there is
    one, and ``alpha`` (1, out, 1, 1) if it is trained; a trained alpha acts through a rectifier, so that it
    never excites.

    Args:
        in_channels: channels of the input.
        out_channels: filters.
        kernel_size: side of the push kernel, odd, so that the two kernels have the same centre.
        stride: of both convolutions.
        padding: zeros around the input for the push kernel; the pull kernel gets what keeps the maps aligned.
        dilation: of both convolutions.
        groups: of both convolutions.
        bias: whether the push response has a bias; the pull response then has its negative.
        alpha: the fixed strength of the inhibition; not used when it is trained.
        scale: side of the pull kernel over that of the push kernel; 3 becomes 7 and 7 becomes 15 at scale 2.
        train_alpha: one learned strength a filter.
        device: where the parameters are made.
        dtype: the parameters' dtype.

    Raises:
        InputError: the kernel's side is even, or `scale` is below 1.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        *,
        stride: int = 1,
        padding: int = 0,
        dilation: int = 1,
        groups: int = 1,
        bias: bool = False,
        alpha: float = 1.0,
        scale: float = 2.0,
        train_alpha: bool = False,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        if kernel_size % 2 == 0:
            raise InputError(f"expected kernel_size to be odd, got {kernel_size}")
        if scale < 1:
            raise InputError(f"expected scale to be 1 or more, got {scale:g}")
        self.push = nn.Conv2d(
            in_channels,
            out_channels,
            kernel_size,
            stride,
            padding,
            dilation,
            groups,
            bias,
            device=device,
            dtype=dtype,
        )
        self.pull_size = int(kernel_size * scale)
        self.pull_size += 1 - self.pull_size % 2
        # Both maps keep the same size and centre. (The published layer does this for dilation 1 only.)
        self.pull_padding = padding + dilation * (self.pull_size // 2 - kernel_size // 2)
        self.alpha: nn.Parameter | float = alpha
        if train_alpha:
            self.alpha = nn.Parameter(torch.empty(1, out_channels, 1, 1, device=device, dtype=dtype))
        self.reset_parameters()

    @torch.no_grad()
    def reset_parameters(self) -> None:
        """Draw the push kernel as `Conv2d` does, a trained alpha from 0.5 +- 1 / sqrt(in * out)."""
        self.push.reset_parameters()
        if isinstance(self.alpha, nn.Parameter):
            r = 1 / sqrt(self.push.in_channels * self.push.out_channels)
            self.alpha.uniform_(0.5 - r, 0.5 + r)

    def pull_kernel(self) -> Tensor:
        """Return V, (out, in / groups, k', k')."""
        weight = self.push.weight
        if self.pull_size == weight.shape[-1]:
            return -weight
        return -F.interpolate(
            weight, size=(self.pull_size, self.pull_size), mode="bilinear", align_corners=True
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return the inhibited response to `x` (N, in, H, W): (N, out, H', W'), in the push's dtype."""
        conv = self.push
        push = conv(x)
        bias = None if conv.bias is None else -conv.bias
        pull = F.conv2d(
            x, self.pull_kernel(), bias, conv.stride, self.pull_padding, conv.dilation, conv.groups
        )
        alpha = F.relu(self.alpha) if isinstance(self.alpha, Tensor) else self.alpha
        y: Tensor = F.relu(push) - alpha * F.relu(pull)
        return y.to(push.dtype)
