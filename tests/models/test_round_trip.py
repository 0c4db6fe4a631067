"""The round-trip matrix: every network, under every naming scheme, in every wrapper and file format."""

from itertools import product
from pathlib import Path

import pytest
import torch
import torchvision

from ppbench.models.load import load_model
from ppbench.models.registry import ARCHITECTURES
from tests.models.foreign_files import FLAT, FORMATS, NESTED, SCHEMES, images_of, network_of, write

CASES = [
    (scheme, wrapper, kind)
    for scheme, (wrapper, kind) in product(
        SCHEMES, [*product(FLAT, FORMATS), *product(NESTED, ("zip", "legacy"))]
    )
    if (wrapper, kind) != ("lightning", "legacy")  # Lightning is younger than the old format
]
WHOLE = [name for name, found in ARCHITECTURES.items() if found.base in ("alexnet", "resnet20", "resnet20a")]
# Deeper and wider networks have the same kinds of names: each takes its share of the matrix.
SHARED = [name for name in ARCHITECTURES if name not in WHOLE]


def check(name: str, cases: list[tuple[str, str, str]], folder: Path) -> None:
    """Save a network in each of these ways, load it, and compare the logits."""
    network, x = network_of(name), images_of()
    with torch.inference_mode():
        expected = network(x)
        for scheme, wrapper, kind in cases:
            content = {**FLAT, **NESTED}[wrapper](SCHEMES[scheme](network.state_dict()))
            path = write(folder / "weights", content, kind)
            loaded = load_model(name, checkpoint=path, image_size=32)
            difference = (loaded.module(x) - expected).abs().max().item()
            assert difference <= 1e-6, (scheme, wrapper, kind, difference)
            if wrapper == "normalised inside":
                assert loaded.spec.mean == pytest.approx((0.4, 0.5, 0.6))
                assert "normalisation layer" in loaded.spec_source


@pytest.mark.parametrize("name", ["resnet20", "resnet20-pp", "resnet20-pp2020", "alexnet-pp5"])
def test_matrix_of_some_networks(name: str, tmp_path: Path) -> None:
    """Networks come back with the same logits from each scheme, wrapper and format."""
    check(name, CASES[::7], tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("name", WHOLE)
def test_whole_matrix(name: str, tmp_path: Path) -> None:
    """Every small network comes back with the same logits from every scheme x wrapper x format."""
    check(name, CASES, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("name", SHARED)
def test_shared_matrix(name: str, tmp_path: Path) -> None:
    """Every other network does so from combinations that differ by network and cover the matrix together."""
    check(name, CASES[SHARED.index(name) % 17 :: 17], tmp_path)


@pytest.mark.parametrize(
    "name, kind",
    [
        ("alexnet", "safetensors"),
        ("alexnet", "legacy"),
        ("resnet50", "zip"),
        pytest.param("resnet50", "safetensors", marks=pytest.mark.slow),
        pytest.param("resnet50", "legacy", marks=pytest.mark.slow),
    ],
)
def test_torchvisions_own_files(name: str, kind: str, tmp_path: Path) -> None:
    """Torchvision's state dicts load whole and give torchvision's own logits exactly, by either name of the network."""
    torch.manual_seed(0)
    reference = getattr(torchvision.models, name)(num_classes=1000).eval()
    path = write(tmp_path / "weights", reference.state_dict(), kind)
    x = torch.randn(1, 3, 224, 224)
    with torch.inference_mode():
        expected = reference(x)
        for model in (name, f"torchvision:{name}", None):
            loaded = load_model(model, checkpoint=path, num_classes=1000, image_size=224)
            assert loaded.report is not None
            assert loaded.report.tensors == len(reference.state_dict())
            assert torch.equal(loaded.module(x), expected)


def test_stem_bias(tmp_path: Path) -> None:
    """The PushPull-Net authors' baselines have a bias in the first convolution; it takes part."""
    network = network_of("resnet18")
    network.get_submodule("conv1").bias = torch.nn.Parameter(torch.linspace(-1, 1, 64))
    path = write(tmp_path / "weights", SCHEMES["authors-2024"](network.state_dict()), "zip")
    x = images_of()
    loaded = load_model("resnet18", checkpoint=path, image_size=32)
    assert torch.equal(loaded.module(x), network(x))


@pytest.mark.parametrize("value", [2.0, torch.tensor(2.0)])
def test_fixed_strength_as_a_number(value: float | torch.Tensor, tmp_path: Path) -> None:
    """A fixed inhibition stored as a number among the weights fits the network of that strength, and no other."""
    network = network_of("resnet18-pp-fixed2")
    state = {**network.state_dict(), "conv1.pull_inhibition_strength": value}
    path = write(tmp_path / "weights", {"state_dict": state}, "zip")
    x = images_of()
    loaded = load_model("resnet18-pp-fixed2", checkpoint=path, image_size=32)
    assert torch.equal(loaded.module(x), network(x))
    with pytest.raises(ValueError, match="its inhibition is fixed at 2"):
        load_model("resnet18-pp-fixed", checkpoint=path, image_size=32)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_other_precisions(dtype: torch.dtype, tmp_path: Path) -> None:
    """Weights of another precision are cast to float32, and the report says so."""
    network = network_of("resnet20").to(dtype)
    path = write(tmp_path / "weights", network.state_dict(), "safetensors")
    loaded = load_model("resnet20", checkpoint=path)
    assert {p.dtype for p in loaded.module.parameters()} == {torch.float32}
    assert loaded.report is not None
    assert f"cast {str(dtype).removeprefix('torch.')} to float32" in loaded.report.summary()


def test_no_batch_counters(tmp_path: Path) -> None:
    """Files from before PyTorch 0.4.1 lack the batch counters; they load, and the report says so."""
    network = network_of("resnet20")
    state = {k: v for k, v in network.state_dict().items() if not k.endswith("num_batches_tracked")}
    loaded = load_model("resnet20", checkpoint=write(tmp_path / "weights", state, "legacy"))
    assert torch.equal(loaded.module(images_of()), network(images_of()))
    assert loaded.report is not None
    assert "added 21 batch counters" in loaded.report.notes
