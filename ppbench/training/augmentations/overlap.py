"""Which corruptions of the benchmark a training augmentation shows the network beforehand, or something like them."""

from dataclasses import dataclass
from types import MappingProxyType

from ppbench.errors import unknown


@dataclass(frozen=True)
class Overlap:
    """What a model card says of a training augmentation.

    Attributes:
        corruptions: those that an operation of the augmentation does to an image, or comes close to; of the benchmark's
            15 and of the 4 extra ones.
        note: which operations these are, and what else is alike; one or two sentences.
    """

    corruptions: tuple[str, ...]
    note: str


_OF_TORCHVISION = Overlap(
    ("brightness", "contrast", "saturate", "gaussian_blur"),
    "Brightness and Contrast change what the corruptions of that name change, Color is what saturate does, and "
    "Sharpness below 1 is a slight blur. Shears and turns are part of elastic_transform; the other operations have no "
    "counterpart.",
)

_OVERLAPS: MappingProxyType[str, Overlap] = MappingProxyType(
    {
        "none": Overlap((), "Cropping, moving and mirroring are no corruptions of the benchmark."),
        "autoaugment": Overlap(
            _OF_TORCHVISION.corruptions,
            f"{_OF_TORCHVISION.note} The policy for ImageNet has no Brightness, that for CIFAR has.",
        ),
        "randaugment": _OF_TORCHVISION,
        "trivialaugment": _OF_TORCHVISION,
        "augmix": Overlap(
            (),
            "The paper leaves out the operations that overlap. Autocontrast and equalize raise the contrast, which the "
            "corruption lowers; shears and turns are part of elastic_transform.",
        ),
        "augmix-all-ops": _OF_TORCHVISION,
        "prime": Overlap(
            ("elastic_transform",),
            "The deformations are smooth displacements, as those of elastic_transform are, from other random fields. "
            "No other primitive is a corruption, but many views look like them: steep colour curves and filters turn "
            "small differences of level into what looks like noise, and gentle ones change brightness, contrast and "
            "saturation or blur a little.",
        ),
    }
)


def overlap(augmentation: str) -> Overlap:
    """Return what overlaps the benchmark, with a note for a model card.

    Raises:
        InputError: no such augmentation.
    """
    if augmentation not in _OVERLAPS:
        raise unknown("augmentation", augmentation, _OVERLAPS)
    return _OVERLAPS[augmentation]


def overlaps(augmentation: str) -> tuple[str, ...]:
    """Return the corruptions that an augmentation overlaps, by name.

    Raises:
        InputError: no such augmentation.
    """
    return overlap(augmentation).corruptions
