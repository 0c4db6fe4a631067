"""`ppbench eval --reference`: published results in the tables of a run."""

import json
from pathlib import Path

import ppbench as api


def test_rows_of_the_run_s_own_data_set(ppbench, test_data: Path, tmp_path) -> None:
    """A CIFAR-10-C run shows the published ResNet-20 in every table it writes, apart from its own rows."""
    out = tmp_path / "run"
    done = ppbench(
        "eval", "--model", "resnet20", "--checkpoint", test_data / "pushpull-2020" / "resnet-20" / "checkpoint.pth.tar",
        "--data", "cifar10-c", "--root", test_data / "cifar10" / "test-first1000.npz", "--limit", 20,
        "--corruptions", "fog", "--severities", 3, "--reference", "cifar10-c", "--heatmap", "--out", out,
    )  # fmt: skip
    assert done.code == 0, done.err
    assert "ResNet-20-PP2020 [a]" in done.out
    assert "published results, not measured here" in " ".join(done.out.split())
    assert "mean" in next(
        line for line in done.out.splitlines() if line.split()[:5] == ["1", "2", "3", "4", "5"]
    )
    assert "| *ResNet-20* \\[a\\] | 7.56 | 31.49 |" in (out / "table.md").read_text()
    assert r"ResNet-20~\cite{strisciuglio2020enhanced,he2016deep}" in (out / "table.tex").read_text()
    rows = json.loads((out / "scores.json").read_text())["references"]
    assert {row["data"] for row in rows} == {"cifar10-c"}
    text = (out / "references.bib").read_text()
    assert "strisciuglio2020enhanced" in text
    assert "modas2022prime" in text
    assert api.load_run(out).references == ()  # they are shown, not measured: a run is what was measured


def test_rows_of_another_data_set_are_refused_before_the_work(ppbench, tmp_path) -> None:
    """One line, exit code 2, and no folder."""
    done = ppbench("eval", "--model", "resnet20", "--reference", "imagenet-c", "--out", tmp_path / "run")
    assert (done.code, done.out) == (2, "")
    assert "expected a run on imagenet-c, got one on digits-c" in done.err
    assert not (tmp_path / "run").exists()
