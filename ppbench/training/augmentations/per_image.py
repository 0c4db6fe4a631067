"""The training augmentations that are made image by image on the CPU, by name; PRIME, made in batches, has its own room."""

from collections.abc import Callable
from types import MappingProxyType

from ppbench.errors import unknown
from ppbench.training.augmentations.augmix import AugMix
from ppbench.training.augmentations.one_by_one import PerImage


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


_MAKERS: MappingProxyType[str, Callable[[bool], PerImage]] = MappingProxyType(
    {
        "autoaugment": _autoaugment,
        "randaugment": _randaugment,
        "trivialaugment": _trivialaugment,
        # 3 for small images as in the authors' script; 3 for large ones too, as the 2024 push-pull authors had it.
        "augmix": lambda _small: AugMix(),
        "augmix-all-ops": lambda _small: AugMix(all_ops=True),
    }
)

PER_IMAGE = tuple(_MAKERS)


def per_image(name: str, *, small: bool) -> PerImage:
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
