"""A run, from names to numbers."""

import json
from pathlib import Path

import numpy as np
import pytest

import ppbench
from ppbench.models.index import shipped_folder
from ppbench.models.requests import Loading, ModelRequest
from ppbench.runs.evaluate import evaluate
from ppbench.runs.folder import Run
from ppbench.scoring.errors_table import read_errors_csv
from ppbench.scoring.normaliser import load_normaliser

# Without the store: a second run must make its numbers, not remember them.
SMALL = {"corruptions": "gaussian_noise,fog,pixelate", "severities": "1,5", "limit": 60, "store": False}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a small run of three shipped networks."""
    out = tmp_path_factory.mktemp("runs") / "small"
    ppbench.evaluate(["alexnet", "resnet20", "resnet20-pp"], baseline_model="resnet20", out=out, **SMALL)
    return out


def test_a_run_folder_holds_what_scripts_rely_on(folder: Path) -> None:
    """The seven files are there, nothing half-written beside them, and the run says that it is complete."""
    assert {path.name for path in folder.iterdir()} == {
        "run.json",
        "errors.csv",
        "scores.json",
        "table.md",
        "table.tex",
        "predictions.npz",
        "references.bib",
    }
    manifest = json.loads((folder / "run.json").read_text())
    assert manifest["schema_version"] == 1
    assert manifest["status"] == "complete"
    assert {model["name"] for model in manifest["models"]} == {"alexnet", "resnet20", "resnet20-pp"}
    assert all(len(model["checkpoint_sha256"]) == 64 for model in manifest["models"])
    assert manifest["data"]["images"] == 60


def test_the_same_seed_gives_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    """A second run writes the same errors.csv, byte for byte, and another seed does not."""
    again, other = tmp_path / "again", tmp_path / "other"
    ppbench.evaluate(["alexnet", "resnet20", "resnet20-pp"], out=again, **SMALL)
    ppbench.evaluate(["alexnet", "resnet20", "resnet20-pp"], out=other, seed=1, **SMALL)
    assert (again / "errors.csv").read_bytes() == (folder / "errors.csv").read_bytes()
    assert (other / "errors.csv").read_bytes() != (folder / "errors.csv").read_bytes()


def test_alexnet_has_100_exactly(folder: Path) -> None:
    """Divided by itself AlexNet has CE and mCE 100, not nearly."""
    scores = json.loads((folder / "scores.json").read_text())
    alexnet = next(model for model in scores["models"] if model["model"] == "alexnet")
    assert alexnet["mce"] == 100.0
    assert [row["ce"] for row in alexnet["corruptions"].values()] == [100.0] * 3
    assert scores["normaliser"]["name"] == "measured:alexnet"


def test_models_that_share_batches_get_what_they_get_alone(folder: Path) -> None:
    """A model's errors do not depend on the models beside it, nor on the batch size."""
    alone = evaluate("resnet20-pp", batch_size=7, **SMALL)
    together = next(table for table in read_errors_csv(folder / "errors.csv") if table.model == "resnet20-pp")
    assert alone.tables[0] == together


def test_predictions_recount_to_the_errors(folder: Path) -> None:
    """The errors of errors.csv are the disagreements of predictions.npz with its labels."""
    with np.load(folder / "predictions.npz") as file:
        wrong = (file["predictions"] != file["labels"]).sum(axis=2)
        cells = list(zip(file["corruptions"].tolist(), file["severities"].tolist(), strict=True))
        models = file["models"].tolist()
        assert len(np.unique(file["ids"])) == 60
    for table in read_errors_csv(folder / "errors.csv"):
        row = wrong[models.index(table.model)]
        assert table.clean is not None
        assert table.clean.errors == row[cells.index(("clean", 0))]
        assert {key: cell.errors for key, cell in table.cells.items()} == {
            cell: row[k] for k, cell in enumerate(cells) if cell[1]
        }


def test_a_partial_run_says_so(folder: Path) -> None:
    """Three corruptions at two severities are not the benchmark: every file with a score says it is partial."""
    assert "3 of 15 corruptions" in (folder / "table.md").read_text()
    assert "severities 1, 5" in (folder / "table.md").read_text()
    assert "3 of 15" in (folder / "scores.json").read_text()


def test_a_checkpoint_is_compared_with_another_of_the_same_network(tmp_path: Path) -> None:
    """Two files of one architecture are told apart by their names."""
    first = ppbench.load_model("resnet20", data="digits-c")
    second = ppbench.load_model("resnet20", data="digits-c")
    run: Run = ppbench.evaluate([first, second], severities=[5], corruptions=["fog"], limit=20)
    assert [table.model for table in run.tables] == ["resnet20 #1", "resnet20 #2"]
    assert run.tables[0].cells == run.tables[1].cells


@pytest.mark.slow
def test_the_shipped_table_is_what_the_shipped_alexnet_does() -> None:
    """digits-c's normaliser is the measurement that it says it is; another CPU may round a handful of answers away."""
    run = evaluate("alexnet", corruptions="all", store=False)
    shipped = load_normaliser("digits-c-alexnet")
    for corruption in run.tables[0].corruptions:
        for severity, error in run.tables[0].errors_of(corruption).items():
            assert error == pytest.approx(shipped.per_severity[corruption][severity], abs=0.61)
    assert run.tables[0].clean is not None
    assert run.tables[0].clean.error == pytest.approx(shipped.clean, abs=0.21)


def test_a_stem_that_was_not_trained_is_in_every_table(tmp_path: Path) -> None:
    """`--as` makes a push-pull network that nobody trained; no reader of its numbers should take it for one."""
    run = ppbench.evaluate(
        ModelRequest("resnet20", shipped_folder() / "resnet20-digits.safetensors"),
        corruptions="fog",
        severities="1",
        limit=10,
        loading=Loading(turn_into="resnet20-pp"),
        out=tmp_path / "run",
    )
    line = "resnet20-pp: its push-pull stem was made from a plain one by --as and is not trained"
    assert line in run.context.notes
    for table in ("table.md", "table.tex"):
        assert "and is not trained" in (tmp_path / "run" / table).read_text(encoding="utf-8")
