"""Which device a run uses."""

import torch

from ppbench.errors import InputError


def choose_device(wanted: str | None) -> torch.device:
    """Return the device named, or the best one here where none is named: CUDA, then the CPU.

    Raises:
        InputError: no such device exists here.
    """
    if wanted is None or wanted == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(wanted)
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError, ValueError) as error:
        # torch answers an unknown or absent device with several kinds of error, each with a long C++ trace.
        reason = str(error).splitlines()[0]
        raise InputError(
            f"expected a device of this machine (cpu, cuda, cuda:1, mps), got {wanted!r}: {reason}"
        ) from error
    return device
