"""Augmentations that work image by image and draw from torch's own generator, made functions of the image's id."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

from ppbench.training.augmentations import draws
from ppbench.training.augmentations.checks import check_levels


class PerImage:
    """A transform of one image, such as torchvision's AutoAugment, for batches.

    Before each image torch's generator on the CPU is seeded from the seed, the epoch, the view and the image's id, and
    after the batch it is put back: an image gets the same augmentation in any batch, order or process, and the caller's
    random state stays as it was.
    """

    def __init__(self, transform: Callable[[Tensor], Tensor], name: str) -> None:
        """Wrap a transform.

        Args:
            transform: of a uint8 (3,H,W) tensor on the CPU to one of the same shape and dtype; draws from torch's
                default generator, and from no other.
            name: tells its draws from those of others.
        """
        self._transform = transform
        self._name = name

    def __call__(self, images: Tensor, *, seed: int, epoch: int, ids: Tensor, view: int = 0) -> Tensor:
        """Return one augmented view of each image.

        Args:
            images: uint8 (N,3,H,W), on any device; they are augmented on the CPU.
            seed: of the run.
            epoch: of the training, in which an image comes once: each has its own draws.
            ids: int64 (N), one for each image.
            view: several views of an image are independent.

        Returns:
            uint8 (N,3,H,W), on the same device.

        Raises:
            InputError: images that are not uint8 (N,3,H,W), or not one id for each.
        """
        check_levels(images, ids)
        here = images.cpu()
        name = f"{self._name}/{epoch}/{view}"
        seeds = draws.for_images(seed, name, ids, here.device).bits("seed", 2).to(torch.int64)
        answer = torch.empty_like(here)
        with _own_random_state() as generator:
            for k, (high, low) in enumerate(seeds.tolist()):
                generator.manual_seed((high & 0x7FFFFFFF) << 32 | low & 0xFFFFFFFF)
                answer[k] = self._transform(here[k])
        return answer.to(images.device)


@contextmanager
def _own_random_state() -> Iterator[torch.Generator]:
    # The CPU's generator alone: `torch.manual_seed` would seed every GPU too, for each image.
    generator = torch.default_generator
    state = generator.get_state()
    try:
        yield generator
    finally:
        generator.set_state(state)
