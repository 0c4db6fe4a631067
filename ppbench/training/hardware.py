"""Where a training runs: devices, machines, and the processes that read for it."""

import os
from dataclasses import dataclass

import torch

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
        raise InputError(f"expected a device that torch has here, got {name!r}") from error
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
