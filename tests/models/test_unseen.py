"""What weights do not show of their network is said, and is what the network has."""

import re
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from ppbench.models.checkpoint import save_checkpoint
from ppbench.models.inspection import inspect
from ppbench.models.load import load_model
from ppbench.models.recognise import unseen
from ppbench.models.registry import ARCHITECTURES, architecture
from ppbench.runs.evaluate import evaluate
from tests.models.foreign_files import network_of, write


def sides(network: nn.Module, parts: list[str], size: int) -> list[int]:
    """Side of the maps that come out of some parts of a network, for one image."""
    seen: dict[str, int] = {}

    def note(name: str) -> Any:
        return lambda _module, _inputs, output: seen.__setitem__(name, output.shape[-1])

    for part in parts:
        network.get_submodule(part).register_forward_hook(note(part))
    network.eval()(torch.zeros(1, 3, size, size, device="meta"))
    return [seen[part] for part in parts]


def after(side: int, kernel: int, stride: int, padding: int) -> int:
    """Side of a convolution's or a pooling's output."""
    return (side + 2 * padding - kernel) // stride + 1


@pytest.mark.parametrize("size", [32, 224])
@pytest.mark.parametrize("name", ARCHITECTURES)
def test_what_is_said_is_what_is_built(name: str, size: int) -> None:
    """Strides, paddings, pooling, activations and epsilon of every network are those that the clause names."""
    found = architecture(name)
    small = size == 32 or found.family == "cifar-resnet"
    kernel = 3 if small else 11 if found.family == "alexnet" else 7
    clause = unseen(found, kernel)
    with torch.device("meta"):
        network = found.build(10, size)
    stem = re.search(r"stem of stride (\d) and padding (\d)", clause)
    assert stem is not None
    side = after(size, kernel, int(stem[1]), int(stem[2]))
    if found.family == "alexnet":
        pooled = re.search(r"(\d)x\d max-pooling( of stride 2)? after convolutions 1, 2 and 5", clause)
        assert pooled is not None
        pools = [each for each in network.modules() if isinstance(each, nn.MaxPool2d)]
        assert [(each.kernel_size, each.stride) for each in pools] == [(int(pooled[1]), 2)] * 3
        assert sides(network, ["features.0"], size) == [side]
    else:
        strides = re.search(r"stages of stride ([\d, ]+),", clause)
        assert strides is not None
        expected = [side]
        if "no max-pooling" not in clause:
            side = after(side, 3, 2, 1)
        for stride in strides[1].split(", "):
            side = -(-side // int(stride))
            expected.append(side)
        assert sides(network, ["conv1", *(f"layer{n}" for n in range(1, len(expected)))], size) == expected
        assert all(each.eps == 1e-5 for each in network.modules() if isinstance(each, nn.BatchNorm2d))
        others = [
            each
            for path, each in network.named_modules()
            if isinstance(each, nn.Conv2d) and "conv1" not in path
        ]
        assert all(each.dilation == (1, 1) for each in others)
        assert ("padded with zeros" in clause) == (found.base[-1] == "a")
        strided = {
            path[-5:]
            for path, each in network.named_modules()
            if "layer2.0.conv" in path and each.stride == (2, 2)
        }
        assert strided == ({"conv2"} if "in their 3x3 convolutions" in clause else {"conv1"})
    assert "ReLU" in clause


def test_a_stem_with_another_padding_is_not_taken_in_silence(tmp_path: Path) -> None:
    """Padding 2 leaves no trace: the answers are those of padding 1, and the note says that this was assumed."""
    theirs = network_of("resnet20")
    theirs.conv1.padding = (2, 2)
    notes: list[str] = []
    path = write(tmp_path / "w.pt", theirs.state_dict(), "zip")
    for model in (None, "resnet20"):
        loaded = load_model(model, checkpoint=path)
        x = torch.randn(4, 3, 32, 32)
        with torch.inference_mode():
            assert not torch.allclose(loaded.module(x), theirs(x), atol=1e-3)
        (clause,) = loaded.assumed
        stem, rest = (
            "stem of stride 1 and padding 1, no max-pooling",
            "no dilation, ReLU, batch-norm epsilon 1e-5",
        )
        assert clause == f"what weights do not show: {stem}, stages of stride 1, 2, 2, {rest}"
    run = evaluate(loaded, corruptions="brightness", severities="1", limit=10, on_note=notes.append)
    assert f"resnet20: assumed {loaded.assumed[0]}" in notes
    assert run.manifest.models[0].assumed == loaded.assumed
    assert f"assumed {loaded.assumed[0]}" in inspect(path)["notes"]


def test_a_published_file_leaves_nothing_open(test_data: Path) -> None:
    """A file that the index knows by its digest is what the index says."""
    path = test_data / "pushpull-2020" / "resnet-20" / "checkpoint.pth.tar"
    assert load_model(checkpoint=path).assumed == load_model("resnet20", checkpoint=path).assumed == ()
    assert not any("assumed" in note for note in inspect(path)["notes"])


def test_nothing_is_assumed_where_the_file_says_it(tmp_path: Path) -> None:
    """A file of ppbench names its architecture, and the index knows its own files: neither leaves anything open."""
    path = tmp_path / "w.safetensors"
    save_checkpoint(
        path, network_of("resnet20"), {"architecture": "resnet20", "num_classes": 10, "image_size": 32}
    )
    assert load_model(checkpoint=path).assumed == ()
    assert load_model("resnet20", checkpoint=path).assumed == ()
    assert not any("assumed" in note for note in inspect(path)["notes"])
    assert load_model("resnet20", data="digits-c").assumed == ()
    save_checkpoint(
        path, network_of("resnet20a"), {"architecture": "resnet20a", "num_classes": 10, "image_size": 32}
    )
    assert load_model(checkpoint=path, turn_into="resnet20a-pp").assumed == ()


def test_a_turned_network_is_still_told_from_weights(tmp_path: Path) -> None:
    """What was assumed of a plain network holds for the push-pull one that it is turned into."""
    path = write(tmp_path / "w.pt", network_of("resnet18").state_dict(), "zip")
    (clause,) = load_model(checkpoint=path, turn_into="resnet18-pp").assumed
    assert "stem of stride 1 and padding 1, no max-pooling, stages of stride 1, 2, 2, 2" in clause
