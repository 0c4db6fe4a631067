"""The arithmetic that networks answer in."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from ppbench.errors import unknown

PRECISIONS: dict[str, torch.dtype] = {
    "fp32": torch.float32,
    "bf16": torch.bfloat16,
    "fp16": torch.float16,
}
"""What `--precision` takes; numbers that are to be compared with others are fp32."""


def check_precision(name: str) -> str:
    """Return the name.

    Raises:
        InputError: there is no such precision.
    """
    if name not in PRECISIONS:
        raise unknown("precision", name, PRECISIONS)
    return name


@contextmanager
def arithmetic(precision: str, device: str) -> Iterator[None]:
    """Have networks compute in a precision, whatever the caller's autocast says.

    With fp32 everything is float32. Otherwise convolutions and matrix products have the shorter type, and what needs
    the range (softmax, sums) stays float32, as torch's autocast decides.

    Args:
        precision: one of `PRECISIONS`.
        device: the type of the device, e.g. ``"cuda"``.
    """
    with torch.autocast(device, PRECISIONS[precision], enabled=precision != "fp32"):
        if device != "cuda":  # elsewhere the settings below mean nothing, and threads would trip over them
            yield
            return
        with _without_tf32():
            yield


@contextmanager
def _without_tf32() -> Iterator[None]:
    """Keep float32 arithmetic float32: by torch's default, newer GPUs convolve it with the 10 bits of TF32."""
    convolutions, products = torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = False
    try:
        yield
    finally:
        torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32 = convolutions, products
