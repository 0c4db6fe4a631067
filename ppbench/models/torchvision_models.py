"""Models of torchvision's zoo: ``torchvision:NAME`` and ``torchvision:NAME@WEIGHTS``."""

from pathlib import Path
from typing import Any

import torch
from torch import nn
from torchvision import models

from ppbench.errors import InputError, unknown
from ppbench.models.folders import give_libraries_a_home
from ppbench.models.input_spec import InputSpec
from ppbench.models.registry import Architecture
from ppbench.models.stems import PLAIN


def as_architecture(name: str) -> Architecture:
    """Return a classification network of torchvision as one that weights can be loaded into.

    Raises:
        InputError: torchvision has no classification network of this name; the nearest one is suggested.
    """
    _check(name)

    def build(num_classes: int, _image_size: int) -> nn.Module:
        network: nn.Module = models.get_model(name, weights=None, num_classes=num_classes)
        return network

    return Architecture(f"torchvision:{name}", name, "torchvision", f"{name} of torchvision", PLAIN, build)


def pretrained(name: str, weights_name: str | None, image_size: int) -> tuple[nn.Module, InputSpec, str]:
    """Return a pretrained network, its input contract at this image size, and the name of its weights.

    The weights are downloaded into torch's own cache on first use, and their hash is checked there.

    Raises:
        InputError: no such network or weights, or they cannot be downloaded.
    """
    _check(name)
    kinds = models.get_model_weights(name)
    known = {weights.name: weights for weights in kinds} | {"DEFAULT": kinds.DEFAULT}
    if weights_name is not None and weights_name not in known:
        raise unknown(f"weights of torchvision:{name}", weights_name, known)
    weights = known[weights_name or "DEFAULT"]
    give_libraries_a_home()
    try:
        network: nn.Module = models.get_model(name, weights=weights)
    except (OSError, RuntimeError) as error:
        folder = Path(torch.hub.get_dir()) / "checkpoints"
        raise InputError(
            f"cannot download the weights of torchvision:{name} ({error}): put {weights.url} into {folder}, "
            "or pass the file with --checkpoint"
        ) from error
    return network, spec_of(weights.transforms(), image_size), weights.name


def _check(name: str) -> None:
    names = models.list_models(module=models)
    if name not in names:
        raise unknown("torchvision model", name, names)


def spec_of(transforms: Any, image_size: int | None) -> InputSpec:
    """Return the input contract of torchvision's transforms, for images that already have the benchmark's size.

    Args:
        transforms: of one of torchvision's weights.
        image_size: of the images, in pixels; None: they have the size that the transforms crop to.
    """
    crop = transforms.crop_size[0]
    return InputSpec(
        size=crop,
        mean=tuple(transforms.mean),
        std=tuple(transforms.std),
        resize=None if image_size in (None, crop) else crop,
        interpolation=transforms.interpolation.value,
    )
