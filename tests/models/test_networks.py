from pathlib import Path

import pytest
import torch
import torchvision
from torch import nn

from ppbench.errors import InputError
from ppbench.models.push_pull import PushPull2020Conv2d, PushPullConv2d
from ppbench.models.registry import ARCHITECTURES, architecture
from ppbench.models.resnet import CifarResNet


def size_of(name: str) -> int:
    """A size the network is meant for and that is quick on the meta device."""
    return 32 if ARCHITECTURES[name].family == "cifar-resnet" else 224


@pytest.mark.parametrize("name", ARCHITECTURES)
@pytest.mark.parametrize("small", [True, False])
def test_every_network_runs(name: str, small: bool) -> None:
    """Every listed network gives one logit a class, at 32 pixels and at the size it is meant for."""
    size = 32 if small else size_of(name)
    with torch.device("meta"):
        network = architecture(name).build(7, size)
        assert network(torch.empty(2, 3, size, size)).shape == (2, 7)


@pytest.mark.parametrize("depth", [18, 34, 50])
def test_resnet_is_torchvisions(depth: int) -> None:
    """On large images a plain ResNet is torchvision's: same parameters, and exactly the same logits."""
    torch.manual_seed(0)
    reference = getattr(torchvision.models, f"resnet{depth}")(num_classes=10).eval()
    network = architecture(f"resnet{depth}").build(10, 224).eval()
    network.load_state_dict(reference.state_dict())
    x = torch.randn(1, 3, 96, 96)
    assert torch.equal(network(x), reference(x))


def test_alexnet_is_torchvisions() -> None:
    """On large images AlexNet is torchvision's: same parameters, and exactly the same logits."""
    reference = torchvision.models.alexnet(num_classes=5).eval()
    network = architecture("alexnet").build(5, 224).eval()
    network.load_state_dict(reference.state_dict())
    x = torch.randn(1, 3, 224, 224)
    assert torch.equal(network(x), reference(x))


@pytest.mark.parametrize("base", ["resnet18", "resnet50", "resnet20", "alexnet"])
@pytest.mark.parametrize("size", [32, 224])
@pytest.mark.parametrize("suffix, avg", [("-pp", 3), ("-pp5", 5)])
def test_only_the_stem_differs(base: str, size: int, suffix: str, avg: int) -> None:
    """A push-pull network is its plain one but for the first convolution, which keeps its geometry."""
    with torch.device("meta"):
        plain, pushpull = architecture(base).build(10, size), architecture(base + suffix).build(10, size)
    stem_name = "features.0" if base == "alexnet" else "conv1"
    stem, conv = pushpull.get_submodule(stem_name), plain.get_submodule(stem_name)
    assert isinstance(stem, PushPullConv2d)
    assert isinstance(conv, nn.Conv2d)
    assert stem.avg_kernel_size == avg
    assert isinstance(stem.pull_inhibition_strength, nn.Parameter)
    for attribute in ("weight", "stride", "padding", "dilation"):
        ours, theirs = getattr(stem.push_conv, attribute), getattr(conv, attribute)
        assert (ours.shape == theirs.shape) if attribute == "weight" else (ours == theirs)
    rest = {k: v.shape for k, v in plain.state_dict().items() if not k.startswith(stem_name)}
    assert rest == {k: v.shape for k, v in pushpull.state_dict().items() if not k.startswith(stem_name)}


@pytest.mark.parametrize(
    "name, depth", [("resnet20", 20), ("resnet32", 32), ("resnet44", 44), ("resnet56", 56)]
)
def test_cifar_depths(name: str, depth: int) -> None:
    """A CIFAR ResNet has as many weighted layers as its name says, shortcuts not counted."""
    with torch.device("meta"):
        network = architecture(name).build(10, 32)
    layers = [n for n, m in network.named_modules() if isinstance(m, nn.Conv2d | nn.Linear)]
    assert len([n for n in layers if "downsample" not in n]) == depth


def test_cifar_parameter_counts() -> None:
    """ResNet-20 and -56 with parameter-free shortcuts have He et al.'s 0.27 M and 0.85 M parameters."""
    counts = [sum(p.numel() for p in CifarResNet(d, shortcut="A").parameters()) for d in (20, 56)]
    assert counts == [269_722, 853_018]


@pytest.mark.parametrize("folder, name", [("resnet-20", "resnet20"), ("resnet-20-pp", "resnet20-pp2020")])
def test_published_names(test_data: Path, folder: str, name: str) -> None:
    """The networks have exactly the parameter names and shapes of the published 2020 checkpoints."""
    path = test_data / "pushpull-2020" / folder / "checkpoint.pth.tar"
    state = torch.load(path, map_location="cpu", weights_only=True)["state_dict"]
    ours = architecture(name).build(10, 32).state_dict()
    assert {k: v.shape for k, v in ours.items()} == {k: v.shape for k, v in state.items()}


def test_padding_shortcut() -> None:
    """An option-A shortcut takes every second pixel and puts half of the new channels on either side."""
    network = CifarResNet(20, shortcut="A")
    shortcut = network.get_submodule("layer2.0.downsample")
    x = torch.randn(1, 16, 8, 8)
    y = shortcut(x)
    assert torch.equal(y[:, 8:24], x[:, :, ::2, ::2])
    assert y[:, :8].abs().sum() == y[:, 24:].abs().sum() == 0


def test_small_alexnet_ships() -> None:
    """The small AlexNet has 1,024 inputs to its first linear layer and fits in 3 MB."""
    network = architecture("alexnet").build(10, 32)
    assert next(m for m in network.modules() if isinstance(m, nn.Linear)).in_features == 1024
    assert 4 * sum(p.numel() for p in network.parameters()) < 3_000_000


@pytest.mark.parametrize(
    "name, avg, strength",
    [
        ("resnet18-pp0", 0, None),
        ("resnet18-pp5-fixed", 5, 1.0),
        ("alexnet-pp-fixed0.5", 3, 0.5),
        ("resnet20-pp", 3, None),
    ],
)
def test_stem_names(name: str, avg: int, strength: float | None) -> None:
    """A name's ending says window and fixed strength, and the network built from it has that name's stem."""
    found = architecture(name)
    assert found.name == name
    assert (found.stem.avg, found.stem.strength) == (avg, strength)
    unit = next(m for m in found.build(10, 32).modules() if isinstance(m, PushPullConv2d))
    assert unit.avg_kernel_size == avg
    if strength is not None:
        assert unit.pull_inhibition_strength == strength


def test_2020_stem() -> None:
    """`-pp2020` has the 2020 layer with strength 1 and scale 2; `-trained` learns the strength."""
    layer = architecture("resnet20-pp2020").build(10, 32).get_submodule("conv1")
    assert isinstance(layer, PushPull2020Conv2d)
    assert (layer.alpha, layer.pull_size) == (1.0, 7)
    trained = architecture("resnet20-pp2020-trained").build(10, 32)
    assert trained.state_dict()["conv1.alpha"].shape == (1, 16, 1, 1)


@pytest.mark.parametrize(
    "name, near", [("resnet51", "resnet5"), ("resnet50-p", "resnet50-pp"), ("resnet50-pp4", "resnet50-pp")]
)
def test_unknown_names(name: str, near: str) -> None:
    """An unknown name gets one line with the nearest known one."""
    with pytest.raises(InputError, match=f"unknown model '{name}': did you mean '{near}"):
        architecture(name)


def test_published_error(test_data: Path) -> None:
    """The 2020 checkpoints make the clean errors known for the first 1,000 test images of CIFAR-10."""
    import numpy as np

    from tests.models.specs import PUSHPULL_2020

    spec = PUSHPULL_2020
    with np.load(test_data / "cifar10" / "test-first1000.npz") as file:
        images = torch.from_numpy(file["images"]).permute(0, 3, 1, 2) / 255
        labels = torch.from_numpy(file["labels"])
    x = (images - torch.tensor(spec.mean).view(3, 1, 1)) / torch.tensor(spec.std).view(3, 1, 1)
    errors = {}
    for folder, name in (("resnet-20", "resnet20"), ("resnet-20-pp", "resnet20-pp2020")):
        path = test_data / "pushpull-2020" / folder / "checkpoint.pth.tar"
        network = architecture(name).build(10, 32).eval()
        network.load_state_dict(torch.load(path, map_location="cpu", weights_only=True)["state_dict"])
        with torch.inference_mode():
            errors[name] = 100 * (network(x.float()).argmax(1) != labels).double().mean().item()
    assert errors == pytest.approx({"resnet20": 7.4, "resnet20-pp2020": 7.8}, abs=0.05)
