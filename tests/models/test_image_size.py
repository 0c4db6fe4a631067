"""Images whose size is not the model's: resized where the contract says so, refused otherwise, never in silence."""

from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ppbench.errors import InputError
from ppbench.models.input_spec import Claim, InputSpec, default_spec, settle
from ppbench.models.load import load_model
from ppbench.models.loaded_model import LoadedModel

MEAN, STD = (0.5, 0.5, 0.5), (0.25, 0.25, 0.25)

FACTORY = """
from torch import nn
from ppbench.models.input_spec import InputSpec

def usual():
    network = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(3, 10))
    return network, InputSpec(224, (0.5, 0.5, 0.5), (0.25, 0.25, 0.25), resize=256, crop=224)
"""


def black(size: int) -> torch.Tensor:
    """Two black images."""
    return torch.zeros(2, 3, size, size, dtype=torch.uint8)


@given(size=st.integers(1, 40), images=st.integers(1, 40))
def test_no_resizing_without_being_told(size: int, images: int) -> None:
    """Without resize and crop, images of the model's size pass pixel for pixel, and others are refused by name."""
    inside = InputSpec(size, MEAN, STD, normalised_inside=True)
    model = LoadedModel("net", "net", torch.nn.Identity(), inside, 10)
    pixels = torch.randint(0, 256, (1, 3, images, images), dtype=torch.uint8)
    if size == images:
        assert torch.equal(model.prepare(pixels), pixels / 255)
    else:
        words = f"net: expected images of {size}x{size} pixels, got {images}x{images}: .*--resize {size}"
        with pytest.raises(InputError, match=words):
            model.prepare(pixels)


def test_published_images_keep_their_pixels(tmp_path: Path) -> None:
    """The usual "resize 256, crop 224" is for photographs: ImageNet-C's files, cut to 224 already, stay as they are."""
    (tmp_path / "mine.py").write_text(FACTORY)
    model = load_model(f"{tmp_path / 'mine.py'}:usual", image_size=224)
    assert (model.spec.size, model.spec.resize, model.spec.crop) == (224, None, None)
    assert "its resize and crop left out: the images have that size" in model.spec_source
    pixels = torch.randint(0, 256, (1, 3, 224, 224), dtype=torch.uint8)
    assert torch.equal(model.prepare(pixels), (pixels / 255 - 0.5) / 0.25)


def test_a_contract_for_other_sizes_counts(tmp_path: Path) -> None:
    """Images of another size are resized and cropped as the model's own contract says; the spec records it."""
    (tmp_path / "mine.py").write_text(FACTORY)
    model = load_model(f"{tmp_path / 'mine.py'}:usual", image_size=64)
    assert (model.spec.size, model.spec.resize, model.spec.crop) == (224, 256, 224)
    assert model.spec_source == "factory mine.py:usual"
    assert model.prepare(black(64)).shape == (2, 3, 224, 224)


def test_a_flag_is_obeyed() -> None:
    """A user who asks for resizing gets it, whatever size the images have, and the source names the flags."""
    claims = [Claim("default", default_spec(224), guess=True)]
    found = settle(claims, {"resize": 256, "crop": 224}, 224)
    spec, source = found.spec, found.source
    assert (spec.size, spec.resize, spec.crop) == (224, 256, 224)
    assert source == "flags (resize, crop) over default"
    assert found.guess


def test_a_guess_is_one_until_mean_and_std_are_given() -> None:
    """Other flags leave the normalisation nobody's word."""
    claims = [Claim("default", default_spec(32), guess=True)]
    mean, std = {"mean": [0.5] * 3}, {"std": [0.2] * 3}
    assert [settle(claims, flags, 32).guess for flags in ({}, mean, std, mean | std)] == [
        True,
        True,
        True,
        False,
    ]
    assert not settle([Claim("index", default_spec(32))], {}, 32).guess


def test_the_size_is_what_the_model_sees() -> None:
    """A claim's resize and crop decide its size, whatever size it states beside them."""
    claims = [Claim("factory", InputSpec(32, MEAN, STD, resize=96, crop=64))]
    spec = settle(claims, {}, 48).spec
    assert spec.size == 64
    assert LoadedModel("net", "net", torch.nn.Identity(), spec, 10).prepare(black(48)).shape == (2, 3, 64, 64)


def test_the_image_size_is_checked_before_the_run() -> None:
    """A model of another size is refused when it is loaded, with the flag to pass."""
    with pytest.raises(
        InputError, match=r"expected images of 224 pixels \(default\), got 64: pass --resize 224"
    ):
        settle([Claim("default", default_spec(224))], {}, 64)


def test_a_mean_of_other_units_is_refused() -> None:
    """One of 0 to 255 with values of 0 to 1 would make every image nearly black; with its range it is right."""
    claims = [Claim("index", default_spec(32))]
    flags = {"mean": [125.3, 123.0, 113.9], "std": [63.0, 62.1, 66.7]}
    with pytest.raises(
        InputError, match=r"units of the values \(0 to 1\), got 125\.3: .* --value-range 0,255"
    ):
        settle(claims, flags, 32)
    assert settle(claims, {**flags, "value_range": [0, 255]}, 32).spec.mean == (125.3, 123.0, 113.9)
    assert settle(claims, {"mean": [0.0] * 3, "value_range": [-1, 1]}, 32).spec.mean == (0.0, 0.0, 0.0)
