"""Where a training runs: devices, machines, the processes that read for it, and batch norms over all of them."""

import os
from dataclasses import dataclass
from typing import Any, cast

import torch
import torch.distributed as distributed
from torch import Tensor, nn

from ppbench.cpu_count import cpu_count
from ppbench.errors import InputError


@dataclass(frozen=True)
class Hardware:
    """Where a training runs.

    Attributes:
        device: ``auto``, ``cpu``, ``cuda``, ``cuda:1``, ``mps``.
        devices: how many of them in each node; None takes one, or what the launcher says.
        nodes: how many machines.
        strategy: Lightning's name of how processes work together, e.g. ``ddp``.
        keep_every: seconds after which the state is kept, beside the end of each epoch.
        workers: processes that read image files; None shares the cores out among
            the processes of a machine.
    """

    device: str = "auto"
    devices: int | None = None
    nodes: int = 1
    strategy: str = "auto"
    keep_every: float = 600.0
    workers: int | None = None


def devices_of(hardware: Hardware) -> tuple[str, int | list[int]]:
    """Return Lightning's accelerator and its devices.

    Raises:
        InputError: torch has no such device here, or one device is named and several are asked for.
    """
    name = hardware.device
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    try:
        where = torch.device(name)
        torch.empty(0, device=where)
    except (
        RuntimeError,
        AssertionError,
    ) as error:  # torch was built without that backend, or has no such name
        raise InputError(f"torch has no device {name!r} here: use --device auto") from error
    if ":" in name:
        if hardware.devices is not None:
            raise InputError(f"expected --devices with a kind of device, got {name!r} and {hardware.devices}")
        return where.type, [where.index]
    # torchrun says how many processes it started on this machine.
    return where.type, hardware.devices or _launched()


def workers_of(hardware: Hardware) -> int:
    """Return how many processes each training process reads with."""
    if hardware.workers is not None:
        return hardware.workers
    return max(1, cpu_count() // (hardware.devices or _launched()))


def is_first_process() -> bool:
    """Return whether this is the process that writes and speaks, as torchrun, SLURM and Lightning number them."""
    for over_all in ("RANK", "SLURM_PROCID"):
        if over_all in os.environ:
            return os.environ[over_all] == "0"
    # Lightning's own processes know their number on this machine, and the machine's.
    return all(os.environ.get(name, "0") == "0" for name in ("LOCAL_RANK", "NODE_RANK"))


def _launched() -> int:
    """Return how many processes torchrun started on this machine; 1 without it."""
    return int(os.environ.get("LOCAL_WORLD_SIZE", "1"))


class SyncedBatchNorm2d(nn.BatchNorm2d):
    """`BatchNorm2d` whose training statistics are those of the global batch, with gradients through them.

    All processes must have batches of the same size. Parameters and buffers are those of `BatchNorm2d`.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Return the normalised maps, (N, C, H, W)."""
        if not self.training:
            return super().forward(x)
        processes = distributed.get_world_size()
        wide = x.to(torch.promote_types(x.dtype, torch.float32))
        # Two sums over the processes: squares of differences, for sums of squares cancel digits.
        mean = _summed(wide.mean((0, 2, 3))) / processes
        centred = wide - mean.view(-1, 1, 1)
        variance = _summed(centred.square().mean((0, 2, 3))) / processes
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


def _summed(x: Tensor) -> Tensor:
    total: Tensor = _Sum.apply(x)
    return total


class _Sum(torch.autograd.Function):
    """The sum over all processes. Each one's loss depends on it, so its gradient is the sum of theirs."""

    @staticmethod
    def forward(_context: Any, x: Tensor) -> Tensor:
        total = x.clone()
        distributed.all_reduce(total)
        return total

    @staticmethod
    def backward(_context: Any, *gradients: Tensor) -> Tensor:
        total = gradients[0].clone()
        distributed.all_reduce(total)
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
