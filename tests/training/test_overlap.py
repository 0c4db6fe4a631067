"""Which corruptions an augmentation overlaps."""

import pytest

from corruptions import EXTRA_NAMES, NAMES
from ppbench.errors import InputError
from ppbench.training.augmentations.overlap import overlaps
from ppbench.training.augmentations.per_image import PER_IMAGE


def test_every_augmentation_has_its_answer_in_the_benchmarks_names() -> None:
    """Each named one is a corruption, of the 15 or the 4 extra ones."""
    for name in ("none", *PER_IMAGE, "prime"):
        assert set(overlaps(name)) <= {*NAMES, *EXTRA_NAMES}


def test_an_unknown_augmentation_is_one_line() -> None:
    """With its near miss."""
    with pytest.raises(InputError, match="unknown augmentation 'primes': did you mean 'prime'"):
        overlaps("primes")
