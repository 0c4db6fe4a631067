"""Pairing `--model` and `--checkpoint`."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ppbench.errors import InputError
from ppbench.models.requests import ModelRequest, numbered, pair, unique_names


def test_models_and_checkpoints_pair_in_order() -> None:
    """The first file belongs to the first model."""
    assert pair(["a", "b"], [Path("1"), Path("2")]) == [
        ModelRequest("a", Path("1")),
        ModelRequest("b", Path("2")),
    ]


def test_one_model_takes_several_checkpoints() -> None:
    """Comparing checkpoints of one architecture names it once."""
    assert pair(["a"], [Path("1"), Path("2")]) == [ModelRequest("a", Path("1")), ModelRequest("a", Path("2"))]


def test_a_file_can_be_named_with_its_model() -> None:
    """`NAME=FILE` mixes models with files and models without; the file's name may hold an equals sign."""
    assert pair(["a", "b=x=1.pt"], []) == [ModelRequest("a"), ModelRequest("b", Path("x=1.pt"))]


def test_a_graph_is_a_file() -> None:
    """`--model FILE.onnx` is a file without a name; it goes with models that have names."""
    assert pair(["a", "net.onnx"], []) == [ModelRequest("a"), ModelRequest(None, Path("net.onnx"))]


@pytest.mark.parametrize(
    "models, checkpoints, message",
    [
        ([], [], "expected at least one --model"),
        (["a", "b", "c"], [Path("1"), Path("2")], "got 2 for 3"),
        (["a=1", "b"], [Path("2")], "got both"),
        (["=1"], [], "expected --model NAME=FILE"),
        (["a="], [], "expected --model NAME=FILE"),
    ],
)
def test_what_cannot_be_paired_is_refused(models: list[str], checkpoints: list[Path], message: str) -> None:
    """A file is never given to a model by guessing."""
    with pytest.raises(InputError, match=message):
        pair(models, checkpoints)


def test_names_in_a_run_are_all_different() -> None:
    """Two checkpoints of one architecture are told apart by their files, and in the last resort by numbers."""
    requests = pair(["a"], [Path("x/1.pt"), Path("y/1.pt"), Path("2.pt")])
    assert unique_names(["a", "a", "a"], requests) == ["a (1) #1", "a (1) #2", "a (2)"]
    assert unique_names(["a", "b"], pair(["a", "b"], [])) == ["a", "b"]
    assert unique_names(["a", "a"], pair(["a", "a"], [])) == ["a #1", "a #2"]


def test_a_number_never_makes_a_name_that_is_there() -> None:
    """A model that is called like a numbered one keeps its name, wherever it stands."""
    assert numbered(["x #1", "x", "x"]) == ["x #1", "x #2", "x #3"]
    assert numbered(["x", "x", "x #2"]) == ["x #1", "x #3", "x #2"]
    assert unique_names(["x #1", "x", "x"], pair(["x #1", "x", "x"], [])) == ["x #1", "x #2", "x #3"]


@given(st.lists(st.sampled_from(["x", "x #1", "x #2", "x #1 #1", "y"]), max_size=8))
def test_numbered_names_are_all_different(names: list[str]) -> None:
    """Whatever the names are; one that was alone stays as it was."""
    different = numbered(names)
    assert len(set(different)) == len(names)
    for old, new in zip(names, different, strict=True):
        assert (old == new) == (names.count(old) == 1)
