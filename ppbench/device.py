"""Which device a run or a training uses, and which one corrupts for it."""

import re
from typing import TYPE_CHECKING

from ppbench.errors import InputError

if TYPE_CHECKING:
    import torch

_FORM = re.compile(r"[a-z]+(:\d+)?")


def check_device_name(wanted: str) -> None:
    """Refuse what can be no device's name, without torch, which alone knows which devices there are.

    Raises:
        InputError: it is not written as torch writes devices, or is ``gpu``, which torch calls cuda.
    """
    if wanted == "gpu" or not _FORM.fullmatch(wanted):
        raise _no_device(wanted, "a GPU is called cuda, the first cuda:0")


def _no_device(wanted: str, reason: str) -> InputError:
    return InputError(
        f"expected a device that this machine has (cpu, cuda, cuda:1 or mps), got {wanted!r}: {reason}"
    )


def choose_device(wanted: str | None) -> "torch.device":
    """Return the device named, or the best one here where none is named.

    Raises:
        InputError: no such device exists here.
    """
    import torch

    if wanted is None or wanted == "auto":
        return best_device(cuda=torch.cuda.is_available(), mps=torch.backends.mps.is_available())
    check_device_name(str(wanted))
    try:
        device = torch.device(wanted)
        torch.zeros(1, device=device).item()  # one that computes nothing, as "meta", has no value to give
    except (RuntimeError, AssertionError, ValueError) as error:
        # torch answers an unknown or absent device with several kinds of error, each with a long C++ trace.
        reason = str(error).splitlines()[0]
        raise _no_device(str(wanted), reason) from error
    return device


def best_device(*, cuda: bool, mps: bool) -> "torch.device":
    """Return the best device of a machine that has CUDA or Apple's GPU, or else the CPU."""
    import torch

    return torch.device("cuda" if cuda else "mps" if mps else "cpu")


def corruption_device(device: "torch.device") -> "torch.device":
    """Return where images are corrupted for networks on a device: there, but for Apple's GPU on the CPU.

    Most corruptions compute in float64, to truncate as the reference does; Apple's GPU has no float64.
    """
    import torch

    return torch.device("cpu") if device.type == "mps" else device
