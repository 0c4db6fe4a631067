"""`eval --out` on the folder of a finished run: what it measured is not lost unless that is asked for."""

import json
from pathlib import Path

import pytest

import ppbench as api
from ppbench.errors import InputError

EVAL = ("eval", "--model", "resnet20", "--corruptions", "fog", "--no-report")


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run of one model and one cell."""
    out = tmp_path / "run"
    api.evaluate("resnet20", corruptions="fog", severities="5", limit=20, out=out)
    return out


def _severities(run: Path) -> list[int]:
    found: list[int] = json.loads((run / "run.json").read_text())["data"]["severities"]
    return found


def test_a_run_that_the_new_one_contains_is_replaced_and_said_to_be(
    ppbench, run: Path, tmp_path: Path
) -> None:
    """More of the same is no loss; on a new folder nothing is said."""
    more = (*EVAL, "--model", "alexnet", "--severities", "4,5", "--limit", 20)
    done = ppbench(*more, "--out", run)
    assert done.code == 0
    assert f"ppbench: {run}: the run in this folder will be replaced when this one is finished\n" in done.err
    assert _severities(run) == [4, 5]
    assert "replaced" not in ppbench(*more, "--out", tmp_path / "new").err


@pytest.mark.parametrize(
    ("options", "got"),
    [
        (("--severities", "4", "--limit", 20), "which has severity 5"),
        (("--severities", "5", "--limit", 20, "--corruptions", "frost"), "which has corruption fog"),
        (("--severities", "5", "--limit", 10), "which was measured otherwise (images is 20, there 10)"),
        (
            ("--severities", "5", "--limit", 20, "--seed", 1),
            "which was measured otherwise (seed is 0, there 1)",
        ),
        (("--severities", "5", "--limit", 20, "--mean", "0,0,0"), "which has another resnet20"),
    ],
)
def test_a_run_with_anything_else_is_kept(ppbench, run: Path, options: tuple, got: str) -> None:
    """Other images, cells, models or settings: one line says what would be lost, and nothing is touched."""
    before = {path.name: path.read_bytes() for path in run.iterdir()}
    done = ppbench(*EVAL, *options, "--out", run)
    assert done.code == 2
    assert done.err.startswith(f"ppbench: {run}: already has a run, {got}")
    assert done.err.endswith("choose another --out or pass --overwrite\n")
    assert len(done.err.splitlines()) == 1
    assert {path.name: path.read_bytes() for path in run.iterdir()} == before


def test_a_run_is_replaced_where_that_is_asked_for(ppbench, run: Path) -> None:
    """`--overwrite` asks no more, of a damaged run.json either."""
    options = (*EVAL, "--severities", "4", "--limit", 20, "--out", run)
    assert ppbench(*options, "--overwrite").code == 0
    assert _severities(run) == [4]
    (run / "run.json").write_text("{")
    assert "already has a run, which cannot be read" in ppbench(*options).err
    assert ppbench(*options, "--overwrite").code == 0
    assert _severities(run) == [4]


FACTORY = """
import torch

def make():
    torch.manual_seed({seed})
    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(3 * 32 * 32, 10))
"""


def test_a_network_that_nothing_identifies_is_taken_for_another(ppbench, tmp_path: Path) -> None:
    """The code in a file may have changed since the run: its answers are replaced where that is asked for only."""
    file, out = tmp_path / "net.py", tmp_path / "own"
    options = (
        "--mean",
        "0.5,0.5,0.5",
        "--std",
        "0.5,0.5,0.5",
        "--limit",
        20,
        "--corruptions",
        "fog",
        "--out",
        out,
    )
    command = ("eval", "--model", f"{file}:make", *options, "--no-report")
    file.write_text(FACTORY.format(seed=0))
    assert ppbench(*command).code == 0
    before = (out / "predictions.npz").read_bytes()
    file.write_text(FACTORY.format(seed=1))
    done = ppbench(*command)
    assert done.code == 2
    assert "cannot be fingerprinted, so this one may be another: choose another --out" in done.err
    assert (out / "predictions.npz").read_bytes() == before
    assert ppbench(*command, "--overwrite").code == 0
    assert (out / "predictions.npz").read_bytes() != before


def test_a_network_from_python_is_taken_for_another(tmp_path: Path) -> None:
    """It may have been trained since it was loaded, whatever the digest of its checkpoint says."""
    options = {"corruptions": "fog", "severities": "5", "limit": 20, "out": tmp_path / "run"}
    network = api.load_model("resnet20", data="digits-c")
    api.evaluate(network, **options)
    for model in (network, "resnet20"):
        with pytest.raises(InputError, match="cannot be fingerprinted"):
            api.evaluate(model, **options)
    api.evaluate("resnet20", **options, overwrite=True)
    api.evaluate("resnet20", **options)
