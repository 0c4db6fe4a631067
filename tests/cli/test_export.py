"""`ppbench export` and the pandas tables of a run."""

import io
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import ppbench as api
from ppbench.runs import exporting
from ppbench.runs.frames import PROVENANCE, errors_frame

SMALL = {"corruptions": "noise,fog,speckle_noise", "severities": "3,5", "limit": 40}
ROWS = 2 * (1 + 5 * 2)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of two models."""
    out = tmp_path_factory.mktemp("export") / "run"
    api.evaluate(["alexnet", "resnet20-pp"], out=out, **SMALL)
    return out


def test_csv_goes_to_stdout_and_agrees_with_errors_csv(ppbench, folder) -> None:
    """A row per model and cell, the counts those of errors.csv, the errors exact."""
    done = ppbench("export", folder, "--csv")
    assert (done.code, done.err) == (0, "")
    frame = pd.read_csv(io.StringIO(done.out), keep_default_na=False)
    errors = pd.read_csv(folder / "errors.csv")
    assert len(frame) == len(errors) == ROWS
    keys = ["model", "corruption", "severity", "n", "errors"]
    assert frame[keys].to_dict("list") == errors[keys].to_dict("list")
    assert (frame["error"] == 100.0 * frame["errors"] / frame["n"]).all()
    for name in ("ci_low", "ci_high"):
        assert np.allclose(frame[name], errors[name], atol=5e-5)
    assert set(frame["group"]) == {"", "noise", "weather", "extra"}


def test_every_row_says_what_it_rests_on(folder) -> None:
    """The provenance columns hold what run.json says, and none is missing."""
    frame = api.load_run(folder).errors
    manifest = json.loads((folder / "run.json").read_text())
    assert list(frame.columns[-len(PROVENANCE) :]) == list(PROVENANCE)
    first = frame.iloc[0]
    assert first["digest"] == manifest["data"]["digest"]
    assert first["seed"] == 0
    assert first["generator"].startswith("ppbench ")
    assert (first["data"], first["source"], first["limit"]) == ("digits-c", "generated", 40)
    hashes = {model["name"]: model["checkpoint_sha256"] for model in manifest["models"]}
    assert dict(zip(frame["model"], frame["checkpoint_sha256"], strict=True)) == hashes


def test_rows_of_two_jpeg_codecs_are_told_apart(folder) -> None:
    """Errors on images that another JPEG library made are other errors: the row says which, and nothing without one."""
    run = api.load_run(folder)
    assert run.errors[["jpeg_quality", "jpeg_codec"]].isna().all(axis=None)
    data, context = run.manifest.data, run.manifest.context
    stored = replace(
        run.manifest,
        data=replace(data, jpeg_quality=85),
        context=replace(context, jpeg_codec="turbo"),
    )
    row = errors_frame(run.tables, stored).iloc[-1]
    assert (row["jpeg_quality"], row["jpeg_codec"]) == (85, "turbo")


def test_parquet_gives_the_same_table_back(ppbench, folder, tmp_path) -> None:
    """Written whole, read back by pandas: types and values are those of `Run.errors`."""
    done = ppbench("export", folder, "--parquet", "--out", tmp_path / "x.parquet")
    assert (done.code, done.err) == (0, "")
    assert f"{ROWS} rows" in done.out
    frame = pd.read_parquet(tmp_path / "x.parquet")
    pd.testing.assert_frame_equal(frame.drop(columns="run"), api.load_run(folder).errors, check_dtype=False)
    assert frame["errors"].dtype == "Int64"
    assert ppbench("export", folder, "--parquet").code == 0
    assert (folder / "errors.parquet").exists()
    assert api.load_run(folder).folder == folder  # a run with an export in it is still one


def test_predictions_are_every_answer_in_order(ppbench, folder, tmp_path) -> None:
    """A row per image; counted again they give the errors, and the confidences are those of predictions.npz."""
    ppbench("export", folder, "--parquet", "--predictions", "--out", tmp_path / "p.parquet")
    frame = pd.read_parquet(tmp_path / "p.parquet")
    assert len(frame) == ROWS * 40
    wrong = (
        frame.assign(wrong=~frame["correct"])
        .groupby(["model", "corruption", "severity"], observed=True)["wrong"]
        .sum()
    )
    errors = api.load_run(folder).errors.set_index(["model", "corruption", "severity"])["errors"]
    for key, count in wrong.items():
        assert count == errors[key]
    with np.load(folder / "predictions.npz") as arrays:
        assert (frame["confidence"].to_numpy() == arrays["confidences"].ravel()).all()
        assert (frame["id"].to_numpy()[:40] == arrays["ids"]).all()
        second = frame[
            (frame["model"] == "resnet20-pp") & (frame["corruption"] == "fog") & (frame["severity"] == 5)
        ]
        k = list(zip(arrays["corruptions"], arrays["severities"], strict=True)).index(("fog", 5))
        assert (second["prediction"].to_numpy() == arrays["predictions"][1, k]).all()
        assert (second["label"].to_numpy() == arrays["labels"]).all()


def test_runs_are_stacked(ppbench, folder, tmp_path) -> None:
    """Several runs below each other, each row with the folder it comes from; no run twice."""
    out = tmp_path / "other"
    api.evaluate("resnet20", corruptions="fog", severities="1", limit=20, out=out)
    frame = pd.read_csv(io.StringIO(ppbench("export", folder, out, "--csv").out))
    assert len(frame) == ROWS + 2
    assert set(frame["run"]) == {str(folder), str(out)}
    assert len(pd.read_csv(io.StringIO(ppbench("export", folder, out, "--csv", "--predictions").out))) == (
        ROWS * 40 + 2 * 20
    )
    assert "is named twice" in ppbench("export", folder, folder, "--csv").err


def test_the_summary_of_a_run(folder) -> None:
    """`Run.summary` has a row per model, with the scores and bounds of scores.json."""
    run = api.load_run(folder)
    assert list(run.summary.index) == ["alexnet", "resnet20-pp"]
    for model in json.loads((folder / "scores.json").read_text())["models"]:
        row = run.summary.loc[model["model"]]
        assert row["clean"] == model["clean_error"]
        assert row["mce"] == model["mce"]
        assert row["ce.fog"] == model["corruptions"]["fog"]["ce"]
        assert [row["clean_low"], row["clean_high"]] == model["intervals"]["clean"]


@pytest.mark.parametrize(
    "options, says",
    [
        ([], "expected one of --csv and --parquet, got neither"),
        (["--csv", "--parquet"], "expected one of --csv and --parquet, got both"),
    ],
)
def test_one_format_has_to_be_named(ppbench, folder, options, says) -> None:
    """Neither or both is a mistake of one line."""
    done = ppbench("export", folder, *options)
    assert (done.code, done.out) == (2, "")
    assert says in done.err


def test_without_pyarrow_it_is_said(ppbench, folder, monkeypatch) -> None:
    """The extra is named, in one line, before a file is begun."""
    monkeypatch.setattr(exporting, "find_spec", lambda _name: None)
    done = ppbench("export", folder, "--parquet", "--out", folder / "never.parquet")
    assert done.code == 2
    assert done.err == "ppbench: Parquet needs the package pyarrow: pip install pyarrow\n"
    assert not (folder / "never.parquet").exists()


def test_what_is_no_run_is_one_line(ppbench, tmp_path) -> None:
    """An empty folder is the user's mistake."""
    done = ppbench("export", tmp_path, "--csv")
    assert done.code == 2
    assert "name the folder of a finished run" in done.err
