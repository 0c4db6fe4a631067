"""PRIME's spectral primitive: each image filtered with a random 3×3 kernel (Modas et al., ECCV 2022)."""

import torch.nn.functional as F
from torch import Tensor

from corruptions.random import Random
from ppbench.training.augmentations import draws

SIDE = 3


def draw_kernels(shared: Random, own: Random, sigma: float, *, centred: bool) -> Tensor:
    """Return float32 (N,3,3): an impulse plus normal numbers, whose standard deviation is uniform up to sigma.

    Args:
        shared: the numbers of the step: of the standard deviation.
        own: the numbers of each image.
        sigma: the greatest standard deviation.
        centred: the impulse is in the middle. The original puts it into the last row and column, which moves the
            image by one pixel, up and to the left.
    """
    kernels = own.normal("kernel", SIDE, SIDE).mul_(draws.uniform(shared, "sigma", 0.0, sigma))
    at = SIDE // 2 if centred else SIDE - 1
    kernels[:, at, at] += 1.0
    return kernels


def filtered(images: Tensor, kernels: Tensor) -> Tensor:
    """Return each image correlated with its kernel, zeros around it, and clamped to [0, 1].

    Args:
        images: float32 (N,C,H,W).
        kernels: float32 (N,3,3), the same for all channels.
    """
    n, channels = images.shape[:2]
    weight = kernels[:, None, None].expand(n, channels, 1, SIDE, SIDE).reshape(n * channels, 1, SIDE, SIDE)
    one = images.reshape(1, n * channels, *images.shape[2:])
    answer = F.conv2d(one, weight, padding=SIDE // 2, groups=n * channels)
    return answer.view_as(images).clamp_(0.0, 1.0)
