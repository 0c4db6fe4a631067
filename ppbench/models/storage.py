"""How a file stores weights in fewer bits than they are used in.

Vectors (biases, statistics of batch normalisation) and small kernels (a first convolution) are stored as they are: they
are few, and some leave the range of half precision. The others are stored in half precision, or in 8 bits: whole
numbers from -127 to 127 and a scale for each output channel, the largest weight of the channel over 127.
"""

from collections.abc import Mapping
from typing import Literal, cast, get_args

import torch
from torch import Tensor, nn

from ppbench.errors import InputError

Bits = Literal[32, 16, 8]
"""Of a stored kernel's numbers."""

BITS: tuple[int, ...] = get_args(Bits)

BITS_KEY = "bits"
"""The field of a file's metadata that says how many bits its kernels have, where that is not 32."""

SCALE = ".scale"
"""What the name of a kernel's scales ends in, after the kernel's own."""

_LEAST = 4096  # numbers, from which on a kernel is stored in 8 bits
_LARGEST = 127


def checked_bits(number: int) -> Bits:
    """Return a number of bits that kernels can be stored in.

    Raises:
        InputError: they cannot be stored in so many.
    """
    if number not in BITS:
        raise InputError(
            f"expected weights saved in {', '.join(map(str, BITS[:-1]))} or {BITS[-1]} bits, got {number}"
        )
    return cast("Bits", number)


def packed(tensors: Mapping[str, Tensor], bits: Bits) -> dict[str, Tensor]:
    """Return what a file stores of a network's float32 tensors.

    Raises:
        InputError: a kernel has numbers that cannot be stored in so many bits: infinite, none, or too large.
    """
    if bits == 8:
        return {name: part for key, tensor in tensors.items() for name, part in _in_8_bits(key, tensor)}
    if bits == 16:
        return {name: _in_16_bits(name, tensor) for name, tensor in tensors.items()}
    return dict(tensors)


def unpacked(stored: Mapping[str, Tensor], bits: Bits) -> dict[str, Tensor]:
    """Return a network's tensors from what a file stores of them; those in half precision stay so.

    Raises:
        ValueError: a kernel of 8 bits without scales, with others than one positive number for each output channel,
            or scales without a kernel.
    """
    if bits != 8:
        return dict(stored)
    kernels = [name for name, tensor in stored.items() if tensor.dtype is torch.int8]
    scales = {name + SCALE for name in kernels}
    if left := sorted(name for name in stored if name.endswith(SCALE) and name not in scales):
        raise ValueError(f"scales without a kernel of 8 bits ({left[0]})")
    return {
        name: _from_8_bits(name, tensor, stored.get(name + SCALE)) if name in kernels else tensor
        for name, tensor in stored.items()
        if name not in scales
    }


def rounded(module: nn.Module, bits: Bits) -> nn.Module:
    """Return the module with its kernels as they come back from a file that stores them in `bits`.

    Raises:
        InputError: they cannot be stored so.
    """
    state = {name: tensor.detach().cpu() for name, tensor in module.state_dict().items()}
    module.load_state_dict(unpacked(packed(state, bits), bits))
    return module


def _is_kernel(tensor: Tensor) -> bool:
    return tensor.ndim > 1 and tensor.dtype is torch.float32


def _in_16_bits(name: str, tensor: Tensor) -> Tensor:
    if not _is_kernel(tensor):
        return tensor
    half = tensor.half()
    _require_finite(name, half, f"numbers of at most {torch.finfo(half.dtype).max:,.0f}", 16)
    return half


def _require_finite(name: str, largest: Tensor, expected: str, bits: Bits) -> None:
    if not bool(largest.isfinite().all()):
        raise InputError(
            f"{name}: expected {expected} to store in {bits} bits, got larger ones or none (inf or nan): "
            "take --bits 32, which stores weights as they are"
        )


def _in_8_bits(name: str, tensor: Tensor) -> list[tuple[str, Tensor]]:
    if not _is_kernel(tensor) or tensor.numel() < _LEAST:
        return [(name, tensor)]
    scale = tensor.flatten(1).abs().amax(1) / _LARGEST
    _require_finite(name, scale * _LARGEST, "finite numbers", 8)
    # A channel of zeros has any scale.
    scale = torch.where(scale > 0, scale, torch.ones_like(scale))
    numbers = (tensor / _along(scale, tensor)).round().clamp(-_LARGEST, _LARGEST).to(torch.int8)
    return [(name, numbers), (name + SCALE, scale)]


def _from_8_bits(name: str, numbers: Tensor, scale: Tensor | None) -> Tensor:
    if numbers.ndim < 2:
        raise ValueError(f"a kernel of 8 bits that is none ({name}, of the shape {tuple(numbers.shape)})")
    if scale is None:
        raise ValueError(f"a kernel of 8 bits without its scales ({name})")
    if scale.dtype is not torch.float32 or scale.shape != numbers.shape[:1]:
        raise ValueError(
            f"a kernel of 8 bits with other scales than a number for each of {len(numbers)} channels ({name})"
        )
    if not bool((scale.isfinite() & (scale > 0)).all()):
        raise ValueError(f"a kernel of 8 bits with a scale that is no positive number ({name})")
    return numbers.float().mul_(_along(scale, numbers))


def _along(scale: Tensor, kernel: Tensor) -> Tensor:
    """Return the scales in a shape that multiplies a kernel's output channels."""
    return scale.view(-1, *(1,) * (kernel.ndim - 1))
