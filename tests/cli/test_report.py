"""`ppbench report`: from folders of runs to a file."""

from pathlib import Path

import pytest

import ppbench as api

SMALL = {"corruptions": "fog,snow", "severities": "3,5", "limit": 40}


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folders of two small runs on the same images, and of one on others."""
    folder = tmp_path_factory.mktemp("reported")
    api.evaluate("resnet20", out=folder / "one", **SMALL)
    api.evaluate("resnet20-pp", out=folder / "two", **SMALL)
    api.evaluate("resnet20", out=folder / "other", **{**SMALL, "seed": 3})
    return folder


def test_a_report_of_one_run_goes_into_its_folder(ppbench, runs):
    """Without --out the report is report.html of the run; stdout says where."""
    done = ppbench("report", runs / "one")
    assert (done.code, done.err) == (0, "")
    assert str(runs / "one" / "report.html") in done.out
    assert (runs / "one" / "report.html").read_text().startswith("<!doctype html>")


def test_a_report_of_two_runs_with_plots(ppbench, runs, tmp_path):
    """Both models stand in one file where --out says, and the figures lie in the folder that --plots names."""
    out = tmp_path / "new" / "both.html"
    done = ppbench("report", runs / "one", runs / "two", "--out", out, "--plots", tmp_path / "plots")
    assert done.code == 0
    text = out.read_text()
    assert "resnet20-pp on digits-c" in text
    assert "Differences to resnet20" in text
    assert {"curves.svg", "curves.png", "strengths-B-resnet20-pp.png"} <= {
        path.name for path in (tmp_path / "plots").iterdir()
    }


@pytest.mark.parametrize(
    "arguments, says",
    [
        (["one", "other"], "seed"),
        (["nowhere"], "name the folder of a finished run"),
        (["one", "--reference", "imagenet-d"], "did you mean 'imagenet-c'"),
        (["one", "--reference", "imagenet-c"], "got one on digits-c"),
        (["one", "--out", "one/errors.csv/report.html"], "choose another with --out"),
        (["one", "--plots", "one/errors.csv"], "choose another with --plots"),
    ],
)
def test_a_mistake_is_one_line(ppbench, runs, monkeypatch, arguments, says):
    """Runs that do not belong together, folders that are none, places that cannot be written: exit code 2."""
    monkeypatch.chdir(runs)
    done = ppbench("report", *arguments)
    assert done.code == 2
    assert done.err.count("\n") == 1
    assert says in done.err


def test_eval_writes_a_report_unless_told_not_to(ppbench, tmp_path):
    """report.html is one of the files of a run's folder; a run without one leaves none of an earlier run behind."""
    arguments = ["eval", "--model", "resnet20", "--corruptions", "fog", "--severities", "5", "--limit", 20]
    done = ppbench(*arguments, "--out", tmp_path / "run")
    assert done.code == 0
    assert "report.html" in done.out
    assert (tmp_path / "run" / "report.html").is_file()
    again = ppbench(*arguments, "--no-report", "--out", tmp_path / "run")
    assert again.code == 0
    assert not (tmp_path / "run" / "report.html").exists()
