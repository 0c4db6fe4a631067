"""Images as the caller has them, torch or NumPy, worked on a chunk at a time."""

import math
from collections.abc import Callable
from typing import overload

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from corruptions.errors import CorruptionError

Pixels = npt.NDArray[np.uint8]
Work = Callable[[Tensor, slice], Tensor]

# Values (N x 3 x H x W) worked on at a time. On the CPU a thread's float32 temporaries stay near the cache; on the
# GPU a chunk is large enough to hide the launches. Either way 64 images of 224 pixels stay under 1 GB.
_PER_THREAD = 1 << 18
_CPU = 1 << 22
_GPU = 1 << 24


@overload
def in_chunks(images: Tensor, work: Work, *, smallest: int = ...) -> Tensor: ...
@overload
def in_chunks(images: Pixels, work: Work, *, smallest: int = ...) -> Pixels: ...
def in_chunks(images: Tensor | Pixels, work: Work, *, smallest: int = 1) -> Tensor | Pixels:
    """Return what `work` makes of the images, of the same kind as they are.

    Args:
        images: uint8 RGB, a torch tensor (N,3,H,W) on any device or a NumPy array (N,H,W,3); N may be 0.
        work: called with a contiguous chunk (n,3,H,W), which it must not change, and its rows; returns a tensor of
            the same shape.
        smallest: height and width must be at least this.

    Raises:
        CorruptionError: images of another type, dtype, shape or size.
    """
    if isinstance(images, Tensor):
        dtype = str(images.dtype).removeprefix("torch.")
        _check("torch tensor (N,3,H,W)", dtype, tuple(images.shape), 1, smallest)
        out = torch.empty_like(images, memory_format=torch.contiguous_format)
        for rows in _chunks(images.shape, images.device):
            out[rows] = work(images[rows].contiguous(), rows)
        return out
    if isinstance(images, np.ndarray):
        _check("numpy array (N,H,W,3)", str(images.dtype), images.shape, 3, smallest)
        pixels = np.empty(images.shape, np.uint8)
        for rows in _chunks(images.shape, torch.device("cpu")):
            # A copy: the array may be a read-only memory map.
            chunk = torch.from_numpy(np.array(images[rows].transpose(0, 3, 1, 2), order="C"))
            pixels[rows] = work(chunk, rows).permute(0, 2, 3, 1).numpy()
        return pixels
    raise CorruptionError(
        f"expected images as a uint8 torch tensor (N,3,H,W) or numpy array (N,H,W,3), got {type(images).__name__}"
    )


def _chunks(shape: tuple[int, ...], device: torch.device) -> list[slice]:
    values = min(_CPU, _PER_THREAD * torch.get_num_threads()) if device.type == "cpu" else _GPU
    step = max(1, values // max(1, math.prod(shape[1:])))
    return [slice(start, start + step) for start in range(0, shape[0], step)]


def _check(kind: str, dtype: str, shape: tuple[int, ...], channels_at: int, smallest: int) -> None:
    if dtype != "uint8":
        raise CorruptionError(
            f"expected images as a uint8 {kind}, got dtype {dtype}: scale to 0..255 and convert"
        )
    if len(shape) != 4 or shape[channels_at] != 3:
        raise CorruptionError(f"expected images as a uint8 {kind}, got shape {shape}")
    height, width = (shape[2], shape[3]) if channels_at == 1 else (shape[1], shape[2])
    if min(height, width) < smallest:
        raise CorruptionError(
            f"expected images of at least {smallest} x {smallest} pixels, got {height} x {width}: resize them first"
        )
