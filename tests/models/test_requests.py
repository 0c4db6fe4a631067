"""Pairing `--model` and `--checkpoint`."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ppbench.errors import InputError
from ppbench.models.requests import ModelRequest, model_requests, named_file, numbered, unique_names


def test_models_and_checkpoints_pair_in_order() -> None:
    """The first file belongs to the first model."""
    assert model_requests(["a", "b"], [Path("1"), Path("2")]) == [
        ModelRequest("a", Path("1")),
        ModelRequest("b", Path("2")),
    ]


def test_one_model_takes_several_checkpoints() -> None:
    """Comparing checkpoints of one architecture names it once."""
    assert model_requests(["a"], [Path("1"), Path("2")]) == [
        ModelRequest("a", Path("1")),
        ModelRequest("a", Path("2")),
    ]


def test_a_file_can_be_named_with_its_model() -> None:
    """`NAME=FILE` mixes models with files and models without; the file's name may hold an equals sign."""
    assert model_requests(["a", "resnet20=x=1.pt"], []) == [
        ModelRequest("a"),
        ModelRequest("resnet20", Path("x=1.pt")),
    ]


@pytest.mark.parametrize(
    "name", ["resnet20", "resnet50-pp5-fixed0.5", "resnet20-cifar10", "timm:vit_tiny", "torchvision:resnet18"]
)
@pytest.mark.parametrize("file", ["x.pt", "lr=0.1/x.pt", "epoch=12-step=1000.ckpt", "weights"])
def test_what_follows_a_known_name_is_its_file(name: str, file: str) -> None:
    """Whatever it is called: an architecture, an id of the index or a network of a zoo stands left of the first `=`."""
    assert model_requests([f"{name}={file}"], []) == [ModelRequest(name, Path(file))]


@pytest.mark.parametrize("factory", ["net.py:f", "lr=0.1/net.py:f", "runs/a=b/c=d/net.py:make_model"])
def test_a_factory_may_lie_in_a_folder_with_an_equals_sign(factory: str) -> None:
    """It is one name, alone and in front of a file of weights."""
    assert model_requests([factory], []) == [ModelRequest(factory)]
    assert model_requests([factory], [Path("w.pt")]) == [ModelRequest(factory, Path("w.pt"))]
    assert model_requests([f"{factory}=lr=1/w.pt"], []) == [ModelRequest(factory, Path("lr=1/w.pt"))]


@pytest.mark.parametrize(
    "file",
    [
        "net.onnx",
        "lr=0.1/m.onnx",
        "runs/lr=0.1/x.pt",
        "epoch=12-step=1000.ckpt",
        "/runs/resnet20=a/checkpoint.pth.tar",
        "out/model.safetensors",
        "out/pytorch_model.bin",
        "x=1.pt2",
    ],
)
def test_a_file_alone(file: str) -> None:
    """`--model FILE` is a file without a name, with an equals sign or not; it goes with models that have names."""
    assert model_requests(["a", file], []) == [ModelRequest("a"), ModelRequest(None, Path(file))]


def test_a_misspelt_name_in_front_of_a_file_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The line suggests the nearest name, where the file is there and none is called like the whole."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "x.pt").touch()
    with pytest.raises(InputError, match="unknown model 'resnt20': did you mean 'resnet20'"):
        model_requests(["resnt20=x.pt"], [])
    (tmp_path / "resnt20=x.pt").touch()
    assert model_requests(["resnt20=x.pt"], []) == [ModelRequest(None, Path("resnt20=x.pt"))]


def test_a_name_that_ends_like_a_file_stays_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An id of the user's own may: what is known is a name."""
    monkeypatch.setenv("PPBENCH_CHECKPOINTS", str(tmp_path))
    (tmp_path / "index.toml").write_text(
        '[[checkpoint]]\nid = "mine.pt"\narchitecture = "resnet20"\ndata = "digits-c"\nfile = "mine.pt"\n'
        f'sha256 = "{"0" * 64}"\nnum_classes = 10\nimage_size = 32\nnamed_only = true\n'
        "input = { mean = [0, 0, 0], std = [1, 1, 1] }\n"
    )
    assert model_requests(["mine.pt"], []) == [ModelRequest("mine.pt")]


@given(st.text(alphabet="abc=./:\\", max_size=12), st.booleans())
def test_nothing_is_lost_in_splitting(text: str, known: bool) -> None:
    """A split gives back the whole, at an equals sign; without one there is nothing to split."""
    found = named_file(text, lambda _: known)
    assert found is None or "=".join(found) == text
    assert "=" in text or found is None
    assert not known or "=" not in text or found is not None


@pytest.mark.parametrize(
    "models, checkpoints, message",
    [
        ([], [], "no model named: pass --model"),
        (["a", "b", "c"], [Path("1"), Path("2")], "got 2 for 3"),
        (["a=1", "b"], [Path("2")], "use one of the two"),
        (["=1"], [], "expected --model NAME=FILE"),
        (["a="], [], "expected --model NAME=FILE"),
    ],
)
def test_what_cannot_be_paired_is_refused(models: list[str], checkpoints: list[Path], message: str) -> None:
    """A file is never given to a model by guessing."""
    with pytest.raises(InputError, match=message):
        model_requests(models, checkpoints)


def test_names_in_a_run_are_all_different() -> None:
    """Two checkpoints of one architecture are told apart by their files, and in the last resort by numbers."""
    requests = model_requests(["a"], [Path("x/1.pt"), Path("y/1.pt"), Path("2.pt")])
    assert unique_names(["a", "a", "a"], requests) == ["a (1) #1", "a (1) #2", "a (2)"]
    assert unique_names(["a", "b"], model_requests(["a", "b"], [])) == ["a", "b"]
    assert unique_names(["a", "a"], model_requests(["a", "a"], [])) == ["a #1", "a #2"]


def test_a_number_never_makes_a_name_that_is_there() -> None:
    """A model that is called like a numbered one keeps its name, wherever it stands."""
    assert numbered(["x #1", "x", "x"]) == ["x #1", "x #2", "x #3"]
    assert numbered(["x", "x", "x #2"]) == ["x #1", "x #3", "x #2"]
    assert unique_names(["x #1", "x", "x"], model_requests(["x #1", "x", "x"], [])) == [
        "x #1",
        "x #2",
        "x #3",
    ]


@given(st.lists(st.sampled_from(["x", "x #1", "x #2", "x #1 #1", "y"]), max_size=8))
def test_numbered_names_are_all_different(names: list[str]) -> None:
    """Whatever the names are; one that was alone stays as it was."""
    different = numbered(names)
    assert len(set(different)) == len(names)
    for old, new in zip(names, different, strict=True):
        assert (old == new) == (names.count(old) == 1)
