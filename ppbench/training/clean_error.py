"""What a trained network gets wrong of its clean test images."""

import torch
from torch import nn

from ppbench.data.image_set import ImageSet
from ppbench.training.recipe import Recipe

_BATCH = 250


def clean_error(network: nn.Module, recipe: Recipe, images: ImageSet, device: torch.device) -> float:
    """Return the share of images that the network gets wrong, per cent, in single precision."""
    mean = torch.tensor(recipe.mean, device=device).view(3, 1, 1)
    std = torch.tensor(recipe.std, device=device).view(3, 1, 1)
    wrong = 0
    with torch.inference_mode():
        for start in range(0, len(images), _BATCH):
            rows = slice(start, start + _BATCH)
            batch = torch.from_numpy(images.images[rows]).to(device).permute(0, 3, 1, 2)
            answers = network((batch.float() / 255.0 - mean) / std).argmax(1).cpu()
            wrong += int((answers != torch.from_numpy(images.labels[rows])).sum())
    return 100.0 * wrong / len(images)
