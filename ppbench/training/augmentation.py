"""Augmentations of whole batches of uint8 images."""

import torch
from torch import Tensor


def random_shift(images: Tensor, pixels: int, generator: torch.Generator) -> Tensor:
    """Move each image by up to `pixels` each way, its edge pixels repeated.

    Args:
        images: (N, H, W, C), any dtype; channels last, so that one gather moves whole pixels.
        pixels: at most so many, each direction and each image by itself, uniform.
        generator: of the draws, on the CPU.

    Returns:
        (N, H, W, C) of the same dtype, on the same device.
    """
    if pixels == 0:
        return images
    n, height, width, _ = images.shape
    moves = torch.randint(-pixels, pixels + 1, (2, n, 1), generator=generator).to(images.device)
    rows = (torch.arange(height, device=images.device) + moves[0]).clamp(0, height - 1)
    columns = (torch.arange(width, device=images.device) + moves[1]).clamp(0, width - 1)
    image = torch.arange(n, device=images.device)[:, None, None]
    return images[image, rows[:, :, None], columns[:, None, :]]
