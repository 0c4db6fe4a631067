from pathlib import Path

import pytest
import torch
import torchvision

from ppbench.errors import InputError
from ppbench.models.inspection import inspect
from ppbench.models.load import load_model
from ppbench.models.recognise import name_of, traits_of
from ppbench.models.registry import ARCHITECTURES, architecture
from ppbench.models.state_dict import clean
from tests.models.foreign_files import SCHEMES, images_of, network_of, write

TRACELESS = [name for name, found in ARCHITECTURES.items() if found.stem.unit == "2024"]
PLAIN_TO_SEE = [name for name in ARCHITECTURES if name not in TRACELESS]


def small(name: str) -> bool:
    """Whether the network's file is small enough to write one for every name."""
    return ARCHITECTURES[name].family != "resnet" or name.startswith("resnet18")


@pytest.mark.parametrize("name", [name for name in PLAIN_TO_SEE if small(name)])
@pytest.mark.parametrize("scheme", ["torchvision", "authors-2024", "he"])
def test_every_network_is_recognised(name: str, scheme: str, tmp_path: Path) -> None:
    """A file of a network without the 2024 unit needs no --model, under others' names too; the report says so."""
    state = SCHEMES[scheme](network_of(name, classes=7).state_dict())
    loaded = load_model(checkpoint=write(tmp_path / "w.pt", state, "zip"))
    assert loaded.architecture == name
    assert loaded.num_classes == 7
    assert loaded.report is not None
    assert f"recognised {architecture(name).base}" in loaded.report.summary()
    assert "7 classes" in loaded.report.summary()


@pytest.mark.parametrize("name", ["resnet18", "resnet34", "resnet50", "alexnet"])
def test_imagenet_stems_are_recognised(name: str, tmp_path: Path) -> None:
    """The stem and with it the image size are told from the first kernel."""
    torch.manual_seed(0)
    network = architecture(name).build(5, 224).eval()
    loaded = load_model(checkpoint=write(tmp_path / "w.pt", network.state_dict(), "zip"))
    assert (loaded.architecture, loaded.spec.size, loaded.num_classes) == (name, 224, 5)


@pytest.mark.parametrize("name", ["resnet18-pp", "resnet20-pp5", "alexnet-pp"])
def test_the_window_is_asked_for(name: str, tmp_path: Path) -> None:
    """The averaging window leaves no trace in the weights: one line lists the networks it could be."""
    path = write(tmp_path / "w.pt", network_of(name).state_dict(), "zip")
    with pytest.raises(InputError, match="the averaging window leaves no trace in weights") as caught:
        load_model(checkpoint=path)
    base = name.partition("-")[0]
    assert f"choose with --model one of {base}-pp0, {base}-pp, {base}-pp5" in str(caught.value)


def test_a_fixed_strength_is_asked_for(tmp_path: Path) -> None:
    """A fixed inhibition leaves no trace either."""
    path = write(tmp_path / "w.pt", network_of("resnet20-pp-fixed2").state_dict(), "zip")
    with pytest.raises(InputError, match="window and the strength of a fixed inhibition leave") as caught:
        load_model(checkpoint=path)
    assert "one of resnet20-pp0-fixed, resnet20-pp-fixed, resnet20-pp5-fixed (or another strength" in str(
        caught.value
    )


@pytest.mark.parametrize(
    "name, hyper",
    [
        ("resnet20-pp", {"avg_kernel_size": 3, "trainable_pull_inhibition": True}),
        ("resnet20-pp5", {"avg_kernel_size": 5, "pull_inhibition_strength": 1.0}),
        ("resnet20-pp0-fixed2", {"avg_kernel_size": 0, "pull_inhibition_strength": 2}),
    ],
)
def test_hyper_parameters_settle_it(name: str, hyper: dict[str, float], tmp_path: Path) -> None:
    """Lightning's hyper-parameters say what the weights do not."""
    network = network_of(name)
    path = write(tmp_path / "w.ckpt", {"state_dict": network.state_dict(), "hyper_parameters": hyper}, "zip")
    loaded = load_model(checkpoint=path)
    assert loaded.architecture == name
    assert torch.equal(loaded.module(images_of()), network(images_of()))


def test_a_trained_2020_strength_is_seen(tmp_path: Path) -> None:
    """A trained strength of the 2020 layer is in the weights, and recognised."""
    path = write(tmp_path / "w.pt", network_of("resnet20-pp2020-trained").state_dict(), "zip")
    assert load_model(checkpoint=path).architecture == "resnet20-pp2020-trained"


@pytest.mark.parametrize("depth", [101, 152])
def test_networks_that_are_not_ours(depth: int) -> None:
    """A network that ppbench does not build is named as what it looks like."""
    with torch.device("meta"):
        state = getattr(torchvision.models, f"resnet{depth}")().state_dict()
    traits = traits_of(state)
    assert traits is not None
    with pytest.raises(InputError, match=f"that ppbench builds, but resnet{depth} "):
        name_of(traits, clean(state))


def test_unknown_weights(tmp_path: Path) -> None:
    """Weights without any known name get a line that asks for --model."""
    path = write(tmp_path / "w.pt", torch.nn.Linear(3, 2).state_dict(), "zip")
    with pytest.raises(
        InputError, match=r"weights of an unknown network .weight, bias, ….: name the network"
    ):
        load_model(checkpoint=path)


def test_inspect(test_data: Path) -> None:
    """`inspect` says what a file is, without a network being built."""
    found = inspect(test_data / "pushpull-2020" / "resnet-20-pp" / "checkpoint.pth.tar")
    assert found["format"] == "legacy"
    assert found["known_as"] == "resnet20-pp2020-cifar10"
    assert found["architecture"] == "resnet20-pp2020"
    assert found["tensors"] == 128
    assert found["num_classes"] == 10
    assert found["looks_like"] == "resnet20 (push-pull stem of 2020 of 16 3x3 filters, 10 classes)"


def test_inspect_undecided(tmp_path: Path) -> None:
    """`inspect` does not fail where a choice is left; it says which."""
    found = inspect(write(tmp_path / "w.pt", network_of("resnet20-pp").state_dict(), "zip"))
    assert found["architecture"] is None
    assert "leaves no trace" in found["undecided"]
