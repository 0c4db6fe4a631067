"""The arithmetic that networks answer in."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal, get_args

from ppbench.errors import unknown

if TYPE_CHECKING:
    import torch

Precision = Literal["fp32", "bf16", "fp16"]

PRECISIONS: tuple[Precision, ...] = get_args(Precision)
"""What `--precision` takes; numbers that are to be compared with others are fp32."""


def check_precision(name: str) -> Precision:
    """Return the name.

    Raises:
        InputError: there is no such precision.
    """
    for known in PRECISIONS:
        if name == known:
            return known
    raise unknown("precision", name, PRECISIONS)


def dtype_of(precision: str) -> "torch.dtype":
    """Return the type of the numbers that convolutions and matrix products take."""
    import torch  # here, as below, so that a wrong name is refused without it

    return {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}[precision]


@contextmanager
def arithmetic(precision: str, device: str) -> Iterator[None]:
    """Have networks compute in a precision, whatever the caller's autocast says.

    With fp32 everything is float32. Otherwise convolutions and matrix products have the shorter type, and what needs
    the range (softmax, sums) stays float32, as torch's autocast decides.

    Args:
        precision: one of `PRECISIONS`.
        device: the type of the device, e.g. ``"cuda"``.
    """
    import torch

    with torch.autocast(device, dtype_of(precision), enabled=precision != "fp32"):
        if device != "cuda":  # elsewhere the settings below mean nothing, and threads would trip over them
            yield
            return
        with _without_tf32():
            yield


@contextmanager
def _without_tf32() -> Iterator[None]:
    """Keep float32 arithmetic float32: by torch's default, newer GPUs convolve it with the 10 bits of TF32."""
    import torch

    before = [(setting, name, _to_restore(setting, name)) for setting, name in _tf32_settings()]
    old: Any = torch.backends.cudnn
    allowed = _old_flag()
    try:
        if allowed is not None:
            # First, as it sets the new names too. Left on, whoever reads it inside gets an error; torch itself does.
            old.allow_tf32 = False
        for setting, name, _ in before:
            setattr(setting, name, "ieee" if name == _BY_NAME else False)
        yield
    finally:
        if allowed is not None:
            old.allow_tf32 = allowed
        for setting, name, value in before:
            setattr(setting, name, value)


_BY_NAME = "fp32_precision"
"""What says since torch 2.9 how float32 is computed: ``"ieee"``, ``"tf32"``, or ``"none"``, which follows the setting
above it. Before that, `allow_tf32` did; to read it after the other was set is an error."""


def _tf32_settings() -> list[tuple[Any, str]]:
    """Return what decides whether CUDA may use TF32, and the attribute: of one kind, because torch mixes them badly."""
    import torch

    products, convolutions = torch.backends.cuda.matmul, torch.backends.cudnn
    if not hasattr(products, _BY_NAME):
        return [(products, "allow_tf32"), (convolutions, "allow_tf32")]
    networks: Any = convolutions  # torch's types do not show what it has
    return [(setting, _BY_NAME) for setting in (products, networks.conv, networks.rnn)]


def _old_flag() -> bool | None:
    """Return cuDNN's `allow_tf32`; None where it cannot be read: the caller has set the new names apart from it."""
    import torch

    try:
        return bool(torch.backends.cudnn.allow_tf32)
    except RuntimeError:
        return None


def _to_restore(setting: Any, name: str) -> Any:
    """Return what gives a setting its value back."""
    import torch

    value = getattr(setting, name)
    above: Any = torch.backends.cudnn
    # A value that is the one above most likely comes from there, and has to go on following it.
    return "none" if name == _BY_NAME and value == above.fp32_precision else value
