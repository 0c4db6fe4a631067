"""Which device a run or a training uses, and which one corrupts for it."""

import torch

from ppbench.errors import InputError


def choose_device(wanted: str | None) -> torch.device:
    """Return the device named, or the best one here where none is named.

    Raises:
        InputError: no such device exists here.
    """
    if wanted is None or wanted == "auto":
        return best_device(cuda=torch.cuda.is_available(), mps=torch.backends.mps.is_available())
    try:
        device = torch.device(wanted)
        torch.zeros(1, device=device).item()  # one that computes nothing, as "meta", has no value to give
    except (RuntimeError, AssertionError, ValueError) as error:
        # torch answers an unknown or absent device with several kinds of error, each with a long C++ trace.
        reason = str(error).splitlines()[0]
        raise InputError(
            f"expected a device that this machine has (cpu, cuda, cuda:1 or mps), got {wanted!r}: {reason}"
        ) from error
    return device


def best_device(*, cuda: bool, mps: bool) -> torch.device:
    """Return the best device of a machine that has CUDA or Apple's GPU, or else the CPU."""
    return torch.device("cuda" if cuda else "mps" if mps else "cpu")


def corruption_device(device: torch.device) -> torch.device:
    """Return where images are corrupted for networks on a device: there, but for Apple's GPU on the CPU.

    Most corruptions compute in float64, to truncate as the reference does; Apple's GPU has no float64.
    """
    return torch.device("cpu") if device.type == "mps" else device
