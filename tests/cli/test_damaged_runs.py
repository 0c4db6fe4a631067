"""Folders that are no whole run: one line says what is wrong and what to do; numbers are never taken for a run's."""

import json
import shutil
from pathlib import Path

import pytest

import ppbench as api


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small run."""
    out = tmp_path_factory.mktemp("damaged") / "run"
    api.evaluate("resnet20", corruptions="fog", severities="5", limit=20, out=out)
    return out


@pytest.fixture
def run(whole: Path, tmp_path: Path) -> Path:
    """A copy of it, to be damaged."""
    return Path(shutil.copytree(whole, tmp_path / "run"))


@pytest.mark.parametrize("command", ["compare", "report", "export --csv"])
def test_a_file_in_place_of_a_folder_is_said_to_be_one(ppbench, run: Path, command: str) -> None:
    """`compare results/*` meets a README: the line says that it is a file, in words and not in Python's."""
    done = ppbench(*command.split(), run, run / "table.md")
    assert (done.code, done.out) == (2, "")
    assert done.err == f"ppbench: {run / 'table.md'}: this is a file: name the folder of a finished run\n"


@pytest.mark.parametrize("command", ["compare", "report", "score", "export --csv"])
def test_a_cut_off_run_json_is_a_damaged_file(ppbench, run: Path, command: str) -> None:
    """Half of a run.json is named as damaged, with the place."""
    path = run / "run.json"
    path.write_text(path.read_text()[:500])
    done = ppbench(*command.split(), run)
    assert (done.code, done.out) == (2, "")
    assert f"{path}: damaged file (" in done.err
    assert "JSONDecodeError" not in done.err
    assert len(done.err.splitlines()) == 1


@pytest.mark.parametrize("change", ["models", "images"])
def test_a_run_json_of_other_answers_is_refused(ppbench, run: Path, change: str) -> None:
    """Another model's name or number of images would stand beside these answers in every table."""
    path = run / "run.json"
    content = json.loads(path.read_text())
    if change == "models":
        content["models"][0]["name"] = "resnet56"
    else:
        content["data"]["images"] = 10_000
    path.write_text(json.dumps(content))
    done = ppbench("report", run)
    assert (done.code, done.out) == (2, "")
    got = {"models": "the models resnet20 of predictions.npz, got resnet56", "images": "images: 20 of"}[
        change
    ]
    assert f"{path}: expected {got}" in done.err


def test_lost_answers_have_to_be_evaluated_again(ppbench, run: Path) -> None:
    """The folder is a run's: to name another would not help."""
    (run / "predictions.npz").unlink()
    done = ppbench("score", run)
    assert done.code == 2
    assert f"{run / 'predictions.npz'}: no such file: evaluate again" in done.err


def test_a_folder_without_run_json_is_said_to_be_no_run(ppbench, run: Path) -> None:
    """Its errors.csv is scored, and a line says that nothing else is used; for a lone file there is no such line."""
    (run / "run.json").unlink()
    line = f"ppbench: {run} has no run.json, so it is no finished run: its errors.csv is scored by itself"
    done = ppbench("score", run)
    assert done.code == 0
    assert line in done.err
    assert "no finished run" not in ppbench("score", run / "errors.csv").err
