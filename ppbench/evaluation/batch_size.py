"""How many images go through a network at once, and what happens when they are too many for the device."""

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from ppbench.errors import InputError

if TYPE_CHECKING:
    import torch

_GPU_VALUES = 1 << 26  # values of a GPU's first batch: 445 images of 224 pixels fill any of today's GPUs
_GPU_IMAGES = 4096
_CPU_IMAGES = 50

# Libraries below torch have errors of their own for the same thing.
_ALLOCATION = ("ALLOC_FAILED", "can't allocate memory", "not enough memory")

Made = TypeVar("Made")


def first_batch_size(device: "torch.device", image_size: tuple[int, int]) -> int:
    """Return images per forward pass to begin with.

    On the CPU few, so that activations stay in its cache; on a GPU as many as keep it busy, a power of two. Where they
    do not fit into memory the number is halved (`BatchSize`).
    """
    if device.type == "cpu":
        return _CPU_IMAGES
    fitting = min(_GPU_IMAGES, max(1, _GPU_VALUES // (3 * image_size[0] * image_size[1])))
    return 1 << (fitting.bit_length() - 1)


class BatchSize:
    """A batch size that shrinks when the device runs out of memory; shared by all threads of a run."""

    def __init__(self, images: int) -> None:
        """Begin with so many images.

        Raises:
            InputError: fewer than one.
        """
        if images < 1:
            raise InputError(f"expected a batch size of at least 1, got {images}")
        self.first = images
        self._images = images
        self._lock = threading.Lock()

    @property
    def images(self) -> int:
        """Images per forward pass now."""
        return self._images

    def fitting(self, work: Callable[[int], Made], device: "torch.device") -> Made:
        """Return what some work makes, done again with half as many images at once until the memory is enough.

        Args:
            work: takes the number of images per forward pass.
            device: where it works.

        Raises:
            InputError: not even a single image fits.
        """
        while True:
            size = self._images
            try:
                return work(size)
            except RuntimeError as error:
                if not is_out_of_memory(error):
                    raise
            # Only here, after the handler, is the failed batch's memory free: the error held its frames.
            self.halve(size)
            if device.type == "cuda":
                import torch

                torch.cuda.empty_cache()

    def halve(self, tried: int) -> None:
        """Take half of the size that was too much; several threads that tried the same one halve it once.

        Raises:
            InputError: not even a single image fits.
        """
        if tried == 1:
            raise InputError(
                "the device ran out of memory with one image at a time: free it, or choose another --device"
            )
        with self._lock:
            self._images = min(self._images, tried // 2)


def is_out_of_memory(error: RuntimeError) -> bool:
    """Whether an error of torch says that the device has no memory left."""
    import torch  # here, so that a wrong size is refused without it

    return isinstance(error, torch.OutOfMemoryError) or any(words in str(error) for words in _ALLOCATION)
