from pathlib import Path

import pytest
import torch
from torch import nn

from ppbench.errors import InputError
from ppbench.models.load import load_model
from ppbench.models.push_pull import PushPull2020Conv2d, PushPullConv2d
from tests.models.foreign_files import network_of, write


@pytest.mark.parametrize(
    "base, conv", [("resnet18", "conv1"), ("resnet20", "conv1"), ("alexnet", "features.0")]
)
@pytest.mark.parametrize("suffix", ["-pp", "-pp5-fixed0.5"])
def test_a_plain_kernel_becomes_the_push_kernel(base: str, conv: str, suffix: str, tmp_path: Path) -> None:
    """The push kernel is the plain one, the strength 1 or the fixed one, the rest is untouched; the report says so."""
    plain = network_of(base)
    path = write(tmp_path / "w.pt", plain.state_dict(), "zip")
    loaded = load_model(base, checkpoint=path, image_size=32, turn_into=base + suffix)
    assert loaded.name == loaded.architecture == base + suffix
    stem, original = loaded.module.get_submodule(conv), plain.get_submodule(conv)
    assert isinstance(stem, PushPullConv2d)
    assert isinstance(original, nn.Conv2d)
    assert torch.equal(stem.weight, original.weight)
    assert stem.bias is not None
    assert torch.equal(stem.bias, torch.zeros(len(stem.bias)) if original.bias is None else original.bias)
    strength = stem.pull_inhibition_strength
    assert strength == 0.5 if isinstance(strength, float) else bool((strength == 1).all())
    assert loaded.report is not None
    assert "not a trained push-pull network" in loaded.report.summary()
    rest = {k: v for k, v in plain.state_dict().items() if not k.startswith(conv)}
    assert all(torch.equal(loaded.module.state_dict()[k], v) for k, v in rest.items())


def test_the_2020_layer(tmp_path: Path) -> None:
    """A plain kernel becomes the 2020 layer's push kernel too."""
    plain = network_of("resnet20")
    path = write(tmp_path / "w.pt", plain.state_dict(), "zip")
    stem = load_model(checkpoint=path, turn_into="resnet20-pp2020").module.get_submodule("conv1")
    assert isinstance(stem, PushPull2020Conv2d)
    assert torch.equal(stem.push.weight, plain.get_parameter("conv1.weight"))


def test_only_on_request(tmp_path: Path) -> None:
    """A plain file for a push-pull network is refused unless the user asks for the turn."""
    path = write(tmp_path / "w.pt", network_of("resnet20").state_dict(), "zip")
    with pytest.raises(InputError, match=r"expected the weights of resnet20-pp, got resnet20 .plain stem"):
        load_model("resnet20-pp", checkpoint=path)


@pytest.mark.parametrize(
    "name, target, words",
    [
        ("resnet20", "resnet20", "--as names a push-pull network, and resnet20 is none"),
        (
            "resnet20",
            "resnet18-pp",
            "--as resnet18-pp needs the weights of a plain resnet18",
        ),
        ("resnet20-pp2020", "resnet20-pp", "these are resnet20 .push-pull stem of 2020"),
        ("resnet20", "resnet20-p", "did you mean 'resnet20-pp'"),
    ],
)
def test_refused(name: str, target: str, words: str, tmp_path: Path) -> None:
    """Other networks, and networks that are push-pull already, are refused in one line."""
    path = write(tmp_path / "w.pt", network_of(name).state_dict(), "zip")
    with pytest.raises(InputError, match=words):
        load_model(checkpoint=path, turn_into=target)
