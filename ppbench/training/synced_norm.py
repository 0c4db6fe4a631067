"""Batch normalisation over the batches of all processes, on any device; torch's own needs a GPU."""

from typing import cast

import torch
import torch.distributed as distributed
from torch import Tensor, nn
from torch.distributed.nn import functional as differentiable


class SyncedBatchNorm2d(nn.BatchNorm2d):
    """`BatchNorm2d` whose training statistics are those of the global batch, with gradients through them.

    All processes must have batches of the same size. Parameters and buffers are those of `BatchNorm2d`.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Return the normalised maps, (N, C, H, W)."""
        if not self.training:
            return super().forward(x)
        processes = distributed.get_world_size()
        wide = x.float()
        # Two sums over the processes: squares of differences, for sums of squares cancel digits.
        mean = _sum(wide.mean((0, 2, 3))) / processes
        centred = wide - mean.view(-1, 1, 1)
        variance = _sum(centred.square().mean((0, 2, 3))) / processes
        self._track(mean.detach(), variance.detach(), processes * x.numel() // x.shape[1])
        scale = torch.rsqrt(variance + self.eps) * self.weight
        normalised: Tensor = centred * scale.view(-1, 1, 1) + self.bias.view(-1, 1, 1)
        return normalised.to(x.dtype)

    @torch.no_grad()
    def _track(self, mean: Tensor, variance: Tensor, count: int) -> None:
        assert self.running_mean is not None
        assert self.running_var is not None
        assert self.num_batches_tracked is not None
        self.num_batches_tracked += 1
        momentum = self.momentum or 1.0 / float(self.num_batches_tracked)
        self.running_mean.lerp_(mean, momentum)
        self.running_var.lerp_(variance * (count / (count - 1)), momentum)  # unbiased, as torch keeps it


def _sum(x: Tensor) -> Tensor:
    """Return the sum over all processes; its gradient is that of every process's loss."""
    total: Tensor = differentiable.all_reduce(x)  # type: ignore[no-untyped-call]  # torch leaves it untyped
    return total


def synchronise(network: nn.Module) -> nn.Module:
    """Return the network with its 2-d batch normalisations over all processes; parameters are shared, not copied."""
    for name, child in network.named_children():
        setattr(network, name, synchronise(child))
    if type(network) is not nn.BatchNorm2d:
        return network
    synced = SyncedBatchNorm2d(network.num_features, network.eps, network.momentum, network.affine)
    synced.weight, synced.bias = network.weight, network.bias
    synced.running_mean, synced.running_var = network.running_mean, network.running_var
    synced.num_batches_tracked = network.num_batches_tracked
    synced.train(network.training)
    return cast("nn.Module", synced)
