"""Which corruptions an augmentation overlaps."""

import pytest
from torchvision.transforms import v2

from corruptions import EXTRA_NAMES, NAMES
from ppbench.errors import InputError
from ppbench.training.augmentations.augmix import OPERATIONS
from ppbench.training.augmentations.overlap import overlap, overlaps
from ppbench.training.augmentations.per_image import PER_IMAGE

COUNTERPARTS = {
    "Brightness": "brightness",
    "Contrast": "contrast",
    "Color": "saturate",
    "Sharpness": "gaussian_blur",
}


@pytest.mark.parametrize("name", ["none", *PER_IMAGE, "prime"])
def test_every_augmentation_has_its_answer_in_the_benchmarks_names(name: str) -> None:
    """Each named one is a corruption, of the 15 or the 4 extra ones; and there is a note."""
    assert set(overlaps(name)) <= {*NAMES, *EXTRA_NAMES}
    assert overlap(name).note.endswith(".")


def test_torchvisions_operations_are_named_where_they_are_used() -> None:
    """What the installed torchvision's lists of operations hold is what is said of them."""
    autoaugment = {
        operation
        for policy in (v2.AutoAugmentPolicy.CIFAR10, v2.AutoAugmentPolicy.IMAGENET)
        for pair in v2.AutoAugment(policy)._policies
        for operation, _, _ in pair
    }
    for name, operations in (
        ("autoaugment", autoaugment),
        ("randaugment", set(v2.RandAugment._AUGMENTATION_SPACE)),
        ("trivialaugment", set(v2.TrivialAugmentWide._AUGMENTATION_SPACE)),
        ("augmix-all-ops", set(v2.AugMix._AUGMENTATION_SPACE)),
        ("augmix", {operation.title() for operation in OPERATIONS}),
    ):
        assert set(overlaps(name)) == {COUNTERPARTS[one] for one in operations & COUNTERPARTS.keys()}


def test_an_unknown_augmentation_is_one_line() -> None:
    """With its near miss."""
    with pytest.raises(InputError, match="unknown augmentation 'primes': did you mean 'prime'"):
        overlaps("primes")
