"""Which corruptions of the benchmark a training augmentation shows the network beforehand, or something like them."""

from types import MappingProxyType

from ppbench.errors import unknown

# torchvision's Brightness and Contrast move the same quantities as the corruptions of that name (brightness multiplies
# there, and adds to the value of HSV here); Color blends with grey, as the extra corruption saturate moves saturation.
_LEVELS = ("brightness", "contrast", "saturate")

_OVERLAPS: MappingProxyType[str, tuple[str, ...]] = MappingProxyType(
    {
        "none": (),
        "autoaugment": _LEVELS,
        "randaugment": _LEVELS,
        "trivialaugment": _LEVELS,
        "augmix": (),
        "augmix-all-ops": _LEVELS,
        "prime": (),
    }
)


def overlaps(augmentation: str) -> tuple[str, ...]:
    """Return the corruptions that an augmentation has an operation of, by name.

    Raises:
        InputError: no such augmentation.
    """
    if augmentation not in _OVERLAPS:
        raise unknown("augmentation", augmentation, _OVERLAPS)
    return _OVERLAPS[augmentation]
