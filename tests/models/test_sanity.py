import pytest
import torch

from ppbench.models.input_spec import default_spec
from ppbench.models.loaded_model import LoadedModel
from ppbench.models.sanity import near_chance


def model(classes: int) -> LoadedModel:
    """A model with so many classes."""
    return LoadedModel("m", "m", torch.nn.Identity(), default_spec(32), classes, spec_source="a default")


@pytest.mark.parametrize(
    "classes, errors, images, warned",
    [
        (10, 900, 1000, True),
        (10, 840, 1000, True),
        (10, 300, 1000, False),
        (10, 160, 200, True),
        (10, 700, 1000, False),
        (1000, 999, 1000, True),
        (1000, 950, 1000, False),
        (2, 500, 1000, True),
        (2, 100, 1000, False),
    ],
)
def test_near_chance(classes: int, errors: int, images: int, warned: bool) -> None:
    """Guessing is warned of, with its likely causes; a weak network is not."""
    line = near_chance(model(classes), errors, images)
    assert (line is not None) == warned
    if line is not None:
        for words in ("near chance", "normalisation", "--mean", "labels in the order", "a default"):
            assert words in line
        assert "\n" not in line
