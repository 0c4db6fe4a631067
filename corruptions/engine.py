"""A batch in, the corrupted batch out: checks the input, cuts it into chunks, draws and applies."""

import operator
from collections.abc import Sequence
from typing import overload

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from corruptions.errors import CorruptionError
from corruptions.protocol import protocol as find_protocol
from corruptions.random import Random
from corruptions.registry import Constants, corruption

Ids = Tensor | npt.NDArray[np.integer] | Sequence[int]
Pixels = npt.NDArray[np.uint8]

SEVERITIES = (1, 2, 3, 4, 5)
MIN_SIZE = 32
# Values (N x 3 x H x W) worked on at a time. On the CPU a chunk's float32 temporaries stay near the cache; on
# the GPU it is large enough to hide the launches, small enough that 64 images of 224 pixels stay under 1 GB.
_CHUNK_CPU = 1 << 18
_CHUNK_GPU = 1 << 24
_ENGINE_VERSION = 1  # goes up when the random numbers change


@overload
def corrupt(
    images: Tensor, name: str, severity: int, *, protocol: str = ..., ids: Ids | None = ..., seed: int = ...
) -> Tensor: ...
@overload
def corrupt(
    images: Pixels, name: str, severity: int, *, protocol: str = ..., ids: Ids | None = ..., seed: int = ...
) -> Pixels: ...
def corrupt(
    images: Tensor | Pixels,
    name: str,
    severity: int,
    *,
    protocol: str = "cifar-c",
    ids: Ids | None = None,
    seed: int = 0,
) -> Tensor | Pixels:
    """Return the images under one corruption at one severity, as the reference scripts make it.

    Image k's result is a pure function of its pixels, the corruption, severity, protocol, seed and its id:
    the same alone, in any batch, in any order. The JPEG step of the protocols that are stored as JPEG is not
    part of it (`jpeg_round_trip`).

    Args:
        images: uint8 RGB, a torch tensor (N,3,H,W) on any device or a NumPy array (N,H,W,3), at least 32 x 32
            pixels; N may be 0.
        name: a corruption, see `NAMES` and `EXTRA_NAMES`.
        severity: 1 to 5.
        protocol: whose constants, see `PROTOCOLS`.
        ids: N integers that name the images for the random draws; 0 to N - 1 if left out.
        seed: any integer; another seed gives other draws.

    Returns:
        The corrupted images: same kind, shape, dtype and device; the input is not changed.

    Raises:
        CorruptionError: an unknown name or protocol, a severity outside 1 to 5, other images or ids.
    """
    what = corruption(name)
    constants = constants_of(name, severity, protocol)
    seed = _integer("seed", seed)
    if isinstance(images, Tensor):
        _check_images(
            "torch tensor (N,3,H,W)", images.dtype == torch.uint8, str(images.dtype), tuple(images.shape), 1
        )
        out = torch.empty_like(images, memory_format=torch.contiguous_format)
        device = images.device
    elif isinstance(images, np.ndarray):
        _check_images("numpy array (N,H,W,3)", images.dtype == np.uint8, str(images.dtype), images.shape, 3)
        pixels = np.empty(images.shape, np.uint8)
        device = torch.device("cpu")
    else:
        raise CorruptionError(
            "expected images as a uint8 torch tensor (N,3,H,W) or numpy array (N,H,W,3), "
            f"got {type(images).__name__}"
        )
    keys = _ids(ids, len(images))
    step = max(
        1, (_CHUNK_CPU if device.type == "cpu" else _CHUNK_GPU) // max(1, int(np.prod(images.shape[1:])))
    )
    with torch.no_grad():
        for start in range(0, len(images), step):
            rows = slice(start, start + step)
            if isinstance(images, Tensor):
                batch = images[rows].contiguous()
            else:
                # A copy: the array may be a read-only memory map.
                batch = torch.from_numpy(np.array(images[rows].transpose(0, 3, 1, 2), order="C"))
            random = Random(seed, name, severity, keys[rows], device)
            result = what.apply(batch, constants, what.draw(batch, constants, random))
            if isinstance(images, Tensor):
                out[rows] = result
            else:
                pixels[rows] = result.permute(0, 2, 3, 1).numpy()
    return out if isinstance(images, Tensor) else pixels


def constants_of(name: str, severity: int, protocol: str = "cifar-c") -> Constants:
    """Return a corruption's constants at one severity (1 to 5), parameter by parameter.

    Raises:
        CorruptionError: an unknown name or protocol, or a severity outside 1 to 5.
    """
    what = corruption(name)
    table = find_protocol(protocol).constants
    if _integer("severity", severity) not in SEVERITIES:
        raise CorruptionError(f"expected severity 1, 2, 3, 4 or 5, got {severity}")
    rows = table[name] if what.constants is None else what.constants
    return rows[operator.index(severity) - 1]


def code_version(name: str) -> str:
    """Return a word that changes whenever this corruption's output does; part of a stored result's key.

    Raises:
        CorruptionError: an unknown name.
    """
    return f"{_ENGINE_VERSION}.{corruption(name).version}"


def _integer(what: str, value: object) -> int:
    if isinstance(value, bool | np.bool_) or not hasattr(value, "__index__"):
        raise CorruptionError(f"expected {what} to be an integer, got {value!r}")
    return operator.index(value)


def _check_images(kind: str, is_uint8: bool, dtype: str, shape: tuple[int, ...], channels_at: int) -> None:
    if not is_uint8:
        raise CorruptionError(
            f"expected images as a uint8 {kind}, got dtype {dtype}: scale to 0..255 and convert"
        )
    if len(shape) != 4 or shape[channels_at] != 3:
        raise CorruptionError(f"expected images as a uint8 {kind}, got shape {shape}")
    height, width = (shape[2], shape[3]) if channels_at == 1 else (shape[1], shape[2])
    if min(height, width) < MIN_SIZE:
        raise CorruptionError(
            f"expected images of at least {MIN_SIZE} x {MIN_SIZE} pixels, got {height} x {width}: "
            "resize them first"
        )


def _ids(ids: Ids | None, count: int) -> Tensor:
    if ids is None:
        return torch.arange(count)
    keys = (
        ids.cpu()
        if isinstance(ids, Tensor)
        else torch.from_numpy(np.array(ids, dtype=None if len(ids) else np.int64))
    )
    if keys.dtype not in (torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64) or keys.shape != (
        count,
    ):
        raise CorruptionError(
            f"expected ids as {count} integers, one per image, got {keys.dtype} of shape {tuple(keys.shape)}"
        )
    return keys.to(torch.int64)
