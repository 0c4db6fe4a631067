"""Where a training's batches come from: images held in memory, or files that are read in every epoch."""

from collections.abc import Callable

import torch

from ppbench.data.image_files import ImageFiles
from ppbench.data.image_set import ImageSet
from ppbench.errors import InputError
from ppbench.training.recipe import Recipe
from ppbench.training.resident import Resident, fits
from ppbench.training.streamed import Streamed
from ppbench.training.views import Views

Source = Resident | Streamed


def source_of(
    images: ImageSet, recipe: Recipe, views: Views, seed: int, workers: int
) -> Callable[[torch.device], Source]:
    """Return what reads the images, once it is told the device.

    The recipe's crop decides: a place of a file is cut out anew in every epoch, whole images are held in memory.

    Args:
        images: the training images.
        recipe: how to train.
        views: the augmentation.
        seed: of the training.
        workers: processes that read files; 0 reads them in this one.

    Raises:
        InputError: crops of images that are no files, moved crops, or whole images that do not fit into memory.
    """
    if recipe.crop == "none":
        if not fits(images):
            raise InputError(
                f"expected a crop of centre-scale or any-scale for {len(images):,} images that do not fit into memory, "
                "got none: --set crop=centre-scale"
            )
        return lambda device: Resident(images, recipe, views, seed, device)
    if not isinstance(images.images, ImageFiles):
        raise InputError(
            f"expected crop to be none for the images of {images.name}, which are no files, got {recipe.crop}"
        )
    if recipe.shift:
        raise InputError(f"expected shift to be 0 beside the crop {recipe.crop}, got {recipe.shift}")
    return lambda _device: Streamed(images, recipe, views, seed, workers)
