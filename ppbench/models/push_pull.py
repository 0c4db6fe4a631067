"""The push-pull unit of PushPull-Net (2024): a convolution inhibited by its own reflected kernel.

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
"""

from contextlib import AbstractContextManager, nullcontext
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
