"""What a run says of its networks: the input of each by whose word, and what its weights are not."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn

from ppbench.models.index import shipped_index
from ppbench.models.input_spec import CIFAR_MEAN, CIFAR_STD, InputSpec
from ppbench.models.load import load_model
from ppbench.models.loaded_model import LoadedModel
from ppbench.models.requests import Loading, ModelRequest
from ppbench.runs.evaluate import evaluate
from ppbench.runs.loading import Model
from tests.models.foreign_files import network_of, write

SMALL = {"corruptions": "brightness", "severities": "1", "limit": 20}
CIFAR = "mean (0.4914, 0.4822, 0.4465), std (0.247, 0.2435, 0.2616)"
FACTORY = """
from torch import nn
from ppbench.models.index import shipped_index
from ppbench.models.input_spec import InputSpec

def net():
    return nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(3, 10))

def halves():
    return net(), InputSpec(32, (0.5,) * 3, (0.5,) * 3, value_range=(0, 255))
"""


def notes_of(models: Model | list[Model], loading: Loading | None = None) -> list[str]:
    """What a run says of its networks before it starts."""
    notes: list[str] = []
    evaluate(models, **SMALL, loading=loading, on_note=notes.append)
    return [note for note in notes if "not be cached" not in note and "set-up check" not in note]


def test_a_network_of_the_index() -> None:
    """Its own file says what its input is."""
    (note,) = notes_of("resnet20-digits")
    model = load_model("resnet20-digits")
    assert note == f"resnet20-digits: {model.spec.summary()}: from {model.spec_source}"
    assert note.startswith("resnet20-digits: 32 pixels, mean (")


def test_every_network_of_a_run_has_its_line() -> None:
    """Under the name that tables call it."""
    notes = notes_of(["resnet20", "resnet20", "alexnet"])
    assert [note.partition(":")[0] for note in notes] == ["resnet20 #1", "resnet20 #2", "alexnet"]


@pytest.mark.parametrize(
    ("function", "line"),
    [
        ("net", f"mine.py:net: 32 pixels, {CIFAR}: from the default for images of 32 pixels"),
        (
            "halves",
            "32 pixels, values from 0 to 255, mean (0.5, 0.5, 0.5), std (0.5, 0.5, 0.5): from factory mine.py:halves",
        ),
    ],
)
def test_a_network_of_ones_own_file(function: str, line: str, tmp_path: Path) -> None:
    """A factory's own contract, or the default that it was given because it has none."""
    (tmp_path / "mine.py").write_text(FACTORY)
    (note,) = notes_of(f"{tmp_path}/mine.py:{function}")
    assert note.endswith(line)


def test_flags_are_named() -> None:
    """What the user insists on is said to be his word."""
    (note,) = notes_of("resnet20-digits", Loading({"mean": [0.5, 0.5, 0.5]}))
    assert "mean (0.5, 0.5, 0.5)" in note
    assert ": from flags (mean) over " in note


@pytest.mark.filterwarnings("ignore:.torch.jit:FutureWarning")  # deprecated, but files of it are around
def test_a_torchscript_program(tmp_path: Path) -> None:
    """A program says nothing of its input: it gets the default, in so many words."""
    path = tmp_path / "net.pt"
    torch.jit.script(nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(3, 10))).save(path)
    first, second = notes_of(ModelRequest(None, path), Loading(trust=True))
    assert "a TorchScript program" in first
    assert second == f"net.pt: 32 pixels, {CIFAR}: from the default for images of 32 pixels"


def test_a_loaded_model() -> None:
    """A network that a Python caller hands in has the contract that the caller gave."""
    module = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(3, 10))
    model = LoadedModel("mine", "mine", module, InputSpec(32, CIFAR_MEAN, CIFAR_STD), 10)
    assert notes_of(model) == [f"mine: 32 pixels, {CIFAR}: from the caller"]
    assert notes_of(replace(model, spec_source="a card")) == [f"mine: 32 pixels, {CIFAR}: from a card"]


def test_a_recognised_file(tmp_path: Path) -> None:
    """What it was recognised as, what was assumed, and its input: in this order."""
    path = write(tmp_path / "w.pt", network_of("resnet20").state_dict(), "zip")
    recognised, assumed, contract = notes_of(ModelRequest(None, path))
    assert recognised.startswith(f"{path}: resnet20: ")
    assert assumed.startswith("resnet20: assumed what weights do not show: stem of stride 1")
    assert contract == f"resnet20: 32 pixels, {CIFAR}: from the default for images of 32 pixels"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({}, "32 pixels, mean"),
        ({"resize": 48, "crop": 32}, "32 pixels, resize 48 (bilinear), crop 32, mean"),
        ({"resize": 48, "interpolation": "bicubic"}, "resize 48 (bicubic), mean"),
        ({"resize": 16, "antialias": False}, "resize 16 (bilinear, not antialiased), mean"),
        ({"resize": 16, "antialias": False, "interpolation": "nearest"}, "resize 16 (nearest), mean"),
        ({"interpolation": "bicubic", "antialias": False}, "32 pixels, mean"),
        ({"value_range": (-1, 1)}, "32 pixels, values from -1 to 1, mean"),
        (
            {"value_range": (0, 255), "normalised_inside": True},
            "32 pixels, values from 0 to 255, normalised inside",
        ),
    ],
)
def test_the_summary_names_what_matters(change: dict[str, object], words: str) -> None:
    """How images are resized is said where they are, the value range where it is not the usual one."""
    spec = replace(InputSpec(32, CIFAR_MEAN, CIFAR_STD), **change)  # type: ignore[arg-type]  # test options
    assert words in spec.summary()


def test_what_the_weights_are_not() -> None:
    """Every table says it: once for all the networks that it is true of, and of none that it is not."""
    own = load_model("resnet20-digits", name="mine")
    run = evaluate(["resnet20", "alexnet", replace(own, caveats=())], **SMALL)
    (shipped,) = {entry.caveat for entry in shipped_index() if entry.data == "digits-c"}
    assert f"resnet20, alexnet: {shipped}" in run.context.notes
    assert [about.caveats for about in run.manifest.models] == [(shipped,), (shipped,), ()]


def test_weights_trained_here_say_what_they_are_not() -> None:
    """None of them may be taken for published ones."""
    trained_here = [entry for entry in shipped_index() if entry.url is None]
    assert trained_here
    assert all(entry.caveat for entry in trained_here)
