"""Images as the caller has them, torch or NumPy, worked on a chunk at a time."""

import math
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cache
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
_CPU = 1 << 19
_GPU = 1 << 24
_WORTH_A_THREAD = 1 << 15


@overload
def in_chunks(
    images: Tensor, work: Work, *, smallest: int = ..., in_turn: bool = ..., any_layout: bool = ...
) -> Tensor: ...
@overload
def in_chunks(
    images: Pixels, work: Work, *, smallest: int = ..., in_turn: bool = ..., any_layout: bool = ...
) -> Pixels: ...
def in_chunks(
    images: Tensor | Pixels,
    work: Work,
    *,
    smallest: int = 1,
    in_turn: bool = False,
    any_layout: bool = False,
) -> Tensor | Pixels:
    """Return what `work` makes of the images, of the same kind as they are; a tensor in the same memory format.

    Args:
        images: uint8 RGB, a torch tensor (N,3,H,W) on any device or a NumPy array (N,H,W,3); N may be 0.
        work: called with a contiguous chunk (n,3,H,W), which it must not change, and its rows; returns a tensor of
            the same shape. On the CPU it is called from as many threads as torch may use.
        smallest: height and width must be at least this.
        in_turn: call `work` from this thread only.
        any_layout: a chunk may also lie in memory as (n,H,W,3), as an array does.

    Raises:
        CorruptionError: images of another type, dtype, shape or size.
    """
    if isinstance(images, Tensor):
        dtype = str(images.dtype).removeprefix("torch.")
        _check("torch tensor (N,3,H,W)", dtype, tuple(images.shape), 1, smallest)
        out = torch.empty_like(images)

        def from_tensor(rows: slice) -> Tensor:
            chunk = images[rows]
            as_it_is = any_layout and chunk.is_contiguous(memory_format=torch.channels_last)
            return work(chunk if as_it_is else chunk.contiguous(), rows)

        for rows, result in _worked(from_tensor, images.shape, images.device, in_turn):
            _write(out[rows], result)
        return out
    if isinstance(images, np.ndarray):
        _check("numpy array (N,H,W,3)", str(images.dtype), images.shape, 3, smallest)
        pixels = np.empty(images.shape, np.uint8)
        out = torch.from_numpy(pixels).permute(0, 3, 1, 2)

        def from_array(rows: slice) -> Tensor:
            # Copied where it is strided or read-only, as a memory map may be.
            chunk = torch.from_numpy(np.require(images[rows], requirements=["C", "W"])).permute(0, 3, 1, 2)
            return work(chunk if any_layout else chunk.contiguous(), rows)

        for rows, result in _worked(from_array, images.shape, torch.device("cpu"), in_turn):
            _write(out[rows], result)
        return pixels
    raise CorruptionError(
        f"expected images as a uint8 torch tensor (N,3,H,W) or numpy array (N,H,W,3), got {type(images).__name__}"
    )


def _write(out: Tensor, result: Tensor) -> None:
    """Copy images (n,3,H,W) into a tensor of the same shape, whatever the layouts of the two."""
    if out.device.type == "cpu" and out.stride()[1:] != result.stride()[1:]:
        # Left to itself torch would go pixel by pixel, at a quarter of the speed.
        for into, plane in zip(out.unbind(1), result.unbind(1), strict=True):
            into.copy_(plane)
    else:
        out.copy_(result)


def _worked(
    work: Callable[[slice], Tensor], shape: tuple[int, ...], device: torch.device, in_turn: bool
) -> Iterator[tuple[slice, Tensor]]:
    """Yield every chunk's rows and what `work` makes of it, in order.

    On the CPU whole chunks are spread over threads. Left to itself torch would spread every single operation, and
    these are so short that waiting for each other takes longer than working, by far on a busy machine.
    """
    if device.type != "cpu":
        yield from ((rows, work(rows)) for rows in _chunks(shape, _GPU, 1))
        return
    _keep_freed_memory()
    threads = torch.get_num_threads()
    chunks = _chunks(shape, _CPU, 1 if in_turn else threads)
    torch.set_num_threads(1)  # in this thread, and as what new ones start with
    try:
        if in_turn or min(threads, len(chunks)) < 2:
            yield from ((rows, work(rows)) for rows in chunks)
        else:
            with ThreadPoolExecutor(min(threads, len(chunks))) as pool:
                yield from zip(chunks, pool.map(work, chunks), strict=True)
    finally:
        torch.set_num_threads(threads)


def _chunks(shape: tuple[int, ...], values: int, threads: int) -> list[slice]:
    """Return the rows of chunks of about equal size, at least one for every thread if they are worth its start."""
    total = math.prod(shape)
    if total == 0:
        return []
    wanted = max(-(-total // values), min(threads, total // _WORTH_A_THREAD))
    step = -(-shape[0] // min(shape[0], max(1, wanted)))
    return [slice(start, start + step) for start in range(0, shape[0], step)]


@cache
def _keep_freed_memory() -> None:
    """Have freed memory stay with the process: on the CPU that spares a fault for every page of every temporary.

    glibc gives blocks above a threshold back at once, and raises the threshold to the largest block it has freed, up
    to 32 MB. Freeing one block of 31 MB, never touched, is enough; other allocators take no notice.
    """
    torch.empty(31 << 20, dtype=torch.uint8)


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
