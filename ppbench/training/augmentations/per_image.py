"""The training augmentations that take each uint8 image by itself, by name; PRIME takes batches, at a step."""

from collections.abc import Callable
from types import MappingProxyType
from typing import Protocol

from torch import Tensor

from ppbench.errors import unknown
from ppbench.training.augmentations.augmix import AugMix
from ppbench.training.augmentations.operations import PerImage


class Augmentation(Protocol):
    """Makes a view of each image; a pure function of seed, epoch, view, and the image's id and pixels."""

    def __call__(self, images: Tensor, *, seed: int, epoch: int, ids: Tensor, view: int = 0) -> Tensor:
        """Return uint8 (N,3,H,W) of uint8 (N,3,H,W) and int64 (N)."""


def _autoaugment(small: bool) -> PerImage:
    from torchvision.transforms import v2

    policy = v2.AutoAugmentPolicy.CIFAR10 if small else v2.AutoAugmentPolicy.IMAGENET
    return PerImage(v2.AutoAugment(policy), "autoaugment")


def _randaugment(_small: bool) -> PerImage:
    from torchvision.transforms import v2

    return PerImage(v2.RandAugment(), "randaugment")


def _trivialaugment(_small: bool) -> PerImage:
    from torchvision.transforms import v2

    return PerImage(v2.TrivialAugmentWide(), "trivialaugment")


def _augmix_of_torchvision(_small: bool) -> PerImage:
    """Return what the 2024 push-pull authors trained with: torchvision's AugMix with all its operations.

    It differs from the AugMix paper in more than the four operations that overlap the benchmark's corruptions: a
    magnitude is one of the first 3 of 10 even steps up to the greatest, the first of which does nothing, where the
    paper draws it uniformly; the means are truncated to whole levels; sheared and turned images fade into the black
    around them, and are rounded, where Pillow cuts them off, and truncates.
    """
    from torchvision.transforms import v2

    return PerImage(v2.AugMix(), "augmix-all-ops")


_MAKERS: MappingProxyType[str, Callable[[bool], Augmentation]] = MappingProxyType(
    {
        "autoaugment": _autoaugment,
        "randaugment": _randaugment,
        "trivialaugment": _trivialaugment,
        # Severity 3 for large images too: the authors' script for ImageNet has 1, the 2024 push-pull authors had 3.
        "augmix": lambda _small: AugMix(),
        "augmix-all-ops": _augmix_of_torchvision,
    }
)

PER_IMAGE = tuple(_MAKERS)


def per_image(name: str, *, small: bool) -> Augmentation:
    """Return an augmentation by name.

    Args:
        name: one of PER_IMAGE.
        small: for images of CIFAR's size, where an augmentation has constants of its own for them.

    Raises:
        InputError: another name.
    """
    if name not in _MAKERS:
        raise unknown("augmentation", name, PER_IMAGE)
    return _MAKERS[name](small)
