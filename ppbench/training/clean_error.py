"""What a trained network gets wrong of its clean test images."""

import torch

from ppbench.data.image_set import ImageSet
from ppbench.models.loaded_model import LoadedModel

_BATCH = 250


def clean_error(model: LoadedModel, images: ImageSet) -> float:
    """Return the share of images that a model gets wrong, per cent, in single precision."""
    wrong = 0
    for start in range(0, len(images), _BATCH):
        rows = slice(start, start + _BATCH)
        batch = torch.from_numpy(images.images[rows]).permute(0, 3, 1, 2)
        answers = model.logits(batch).argmax(1)
        wrong += int((answers != torch.from_numpy(images.labels[rows])).sum())
    return 100.0 * wrong / len(images)
