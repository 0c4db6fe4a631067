"""Is a clean error what it should be?"""

import pytest
import torch

from ppbench.models.index import shipped_index
from ppbench.models.input_spec import InputSpec, default_spec
from ppbench.models.known_error import KnownError, known_error
from ppbench.models.loaded_model import LoadedModel
from ppbench.setup.clean_error import judge, suspicious


def model(classes: int, spec: InputSpec | None = None) -> LoadedModel:
    """A model with so many classes."""
    return LoadedModel(
        "m", "m", torch.nn.Identity(), spec or default_spec(32), classes, spec_source="a default"
    )


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
        (2, 0, 10, False),  # of ten images no share says anything
        (10, 0, 1, False),
    ],
)
def test_near_chance(classes: int, errors: int, images: int, warned: bool) -> None:
    """Guessing is called wrong, with its likely causes; a weak network is not."""
    found = judge(model(classes), errors, images, None)
    assert (found.state == "wrong") == warned
    if warned:
        for words in ("near chance", "normalisation", "--mean", "labels in the order", "a default"):
            assert words in found.line
        assert "\n" not in found.line


KNOWN = KnownError(7.56, "the index (resnet20-cifar10)")


@pytest.mark.parametrize(
    "errors, state", [(74, "ok"), (46, "ok"), (108, "ok"), (109, "wrong"), (160, "wrong"), (45, "notice")]
)
def test_against_a_published_error(errors: int, state: str) -> None:
    """Of 1,000 images: the 99 % interval, widened by a point, has to hold the published one; too good is said, too."""
    found = judge(model(10), errors, 1000, KNOWN)
    assert found.state == state
    assert "7.6 %" in found.text
    assert "the index (resnet20-cifar10)" in found.text


def test_geometry_widens_the_margin() -> None:
    """Where images are resized the published error was measured with other images: 5 points more pass for it."""
    resized = InputSpec(32, (0.5,) * 3, (0.2,) * 3, resize=32)
    assert judge(model(10), 130, 1000, KNOWN).state == "wrong"
    assert judge(model(10, resized), 130, 1000, KNOWN).state == "ok"
    assert judge(model(10), 130, 1000, KNOWN, all_classes=False).state == "ok"
    assert suspicious(130, 1000, KNOWN)  # a better set-up is looked for all the same


def test_an_error_that_nobody_has_published_is_high_from_half_of_guessing_on() -> None:
    """46 % with ten classes is said to be high, 44 % is not; 1,000 classes begin at 50 %."""
    assert judge(model(10), 460, 1000, None).state == "notice"
    assert judge(model(10), 440, 1000, None).state == "ok"
    assert judge(model(1000), 510, 1000, None).state == "notice"
    assert not suspicious(99, 1000, None)
    assert suspicious(100, 1000, None)


def test_what_is_known() -> None:
    """The index knows its files, on their data only and not with another stem; torchvision knows its weights."""
    entry = next(each for each in shipped_index() if each.id == "resnet20-cifar10")
    ours = LoadedModel("m", "resnet20", torch.nn.Identity(), default_spec(32), 10, sha256=entry.sha256)
    assert known_error(ours, "cifar10-c") == KnownError(7.56, "the index (resnet20-cifar10)")
    assert known_error(ours, "digits-c") is None
    ours.architecture = "resnet20-pp"
    assert known_error(ours, "cifar10-c") is None
    ours.architecture = "net.py:factory"  # the same weights, whatever code they are in
    assert known_error(ours, "cifar10-c") is not None
    theirs = LoadedModel(
        "m", "torchvision:resnet50@IMAGENET1K_V2", torch.nn.Identity(), default_spec(224), 1000
    )
    found = known_error(theirs, "imagenet-c")
    assert found is not None
    assert found.error == pytest.approx(100 - 80.858)
    assert known_error(theirs, "imagenet100-c") is None
    theirs.architecture = "torchvision:resnet50@NO_SUCH"
    assert known_error(theirs, "imagenet-c") is None
