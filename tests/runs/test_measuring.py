"""Top-5 error, calibration and slopes of a run: in scores.json always, in the tables on request."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import ppbench as api
from ppbench.evaluation.answers import Answers
from ppbench.runs.predictions import Predictions, metrics_of
from ppbench.scoring.scores import score

SMALL = {"corruptions": "fog,speckle_noise", "severities": "1,5", "limit": 40}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small run that was asked for metrics."""
    out = tmp_path_factory.mktemp("measured") / "run"
    api.evaluate("resnet20", out=out, metrics=True, **SMALL)
    return out


def test_scores_json_has_them_always(folder: Path, tmp_path: Path) -> None:
    """Whether the table shows them or not; NLL, Brier and slope equal what predictions.npz gives by hand."""
    api.evaluate("resnet20", out=tmp_path, **SMALL)
    assert (tmp_path / "scores.json").read_bytes() == (folder / "scores.json").read_bytes()
    (found,) = json.loads((folder / "scores.json").read_text())["metrics"]
    with np.load(folder / "predictions.npz") as file:
        cells = list(zip(file["corruptions"].tolist(), file["severities"].tolist(), strict=True))
        nll, brier = file["nll"][0].mean(axis=1, dtype=float), file["brier"][0].mean(axis=1, dtype=float)
        error = 100 * (file["predictions"][0] != file["labels"]).mean(axis=1)
    fog = [cells.index(("fog", severity)) for severity in (1, 5)]
    assert found["clean"]["nll"] == pytest.approx(nll[cells.index(("clean", 0))])
    assert found["cells"]["speckle_noise"]["5"]["brier"] == pytest.approx(
        brier[cells.index(("speckle_noise", 5))]
    )
    # Speckle noise is none of the 15.
    assert found["corrupted"]["nll"] == pytest.approx(nll[fog].mean())
    assert found["slope"] == pytest.approx((error[fog[1]] - error[fog[0]]) / 4)
    assert found["clean"]["top5_error"] is None


def test_the_tables_have_them_on_request(
    folder: Path, tmp_path: Path, ppbench_out: Callable[..., str]
) -> None:
    """`--metrics` adds a table to the terminal and to table.md."""
    assert "| Brier score, clean → corrupted |" in (folder / "table.md").read_text()
    options = [
        "--model",
        "resnet20",
        *(w for name, value in SMALL.items() for w in (f"--{name}", str(value))),
    ]
    assert "Brier score" in ppbench_out("eval", *options, "--metrics", "--out", str(tmp_path / "with"))
    assert "Brier score" not in ppbench_out("eval", *options, "--out", str(tmp_path / "without"))
    assert "Brier score" not in (tmp_path / "without" / "table.md").read_text()


@pytest.fixture
def ppbench_out(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Run a command that ends well and return its stdout."""
    from ppbench.cli import main

    def run(*arguments: str) -> str:
        monkeypatch.setattr("sys.argv", ["ppbench", *arguments])
        capfd.readouterr()
        with pytest.raises(SystemExit) as stop:
            main()
        assert not stop.value.code
        return capfd.readouterr().out

    return run


def test_top_5_where_there_are_more_than_ten_classes() -> None:
    """Three of four images have their class among the five; an infinite NLL is None and so is a mean with it."""
    shape = (1, 1, 4)
    answers = Answers(
        predictions=np.zeros(shape, np.int32),
        confidences=np.full(shape, 0.5, np.float32),
        nll=np.array([[[0.1, np.inf, 0.2, 0.3]]], np.float32),
        brier=np.full(shape, 0.4, np.float32),
        in_top5=np.array([[[True, False, True, True]]]),
    )
    made = Predictions(("m",), (("fog", 3),), np.arange(4), np.array([0, 1, 0, 0]), answers)
    scores = score(made.tables())
    (found,) = metrics_of(made, scores, 100)
    assert found.corrupted["top5_error"] == 25.0
    assert found.corrupted["nll"] is None
    assert found.corrupted["brier"] == pytest.approx(0.4)
    assert found.slope is None
    assert metrics_of(made, scores, 10)[0].corrupted["top5_error"] is None
