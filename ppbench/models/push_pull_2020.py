"""The push-pull layer of 2020: the pull kernel is the push kernel, negated and enlarged.

    y = relu(x * W + b) - a relu(x * V - b),    V = -upsample(W)

with V bilinearly enlarged so that the corner values stay where they are, about `scale` times as large and
odd, and not renormalised. There is no average and no outer rectifier. (Strisciuglio, Lopez-Antequera &
Petkov, "Enhanced robustness of convolutional networks with a push-pull inhibition layer", Neural Computing
and Applications 2020.)
"""

from math import sqrt

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ppbench.errors import InputError


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
