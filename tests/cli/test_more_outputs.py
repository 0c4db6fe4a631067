"""`--outputs` on the command line: said in every output, refused in one line."""

import json
from pathlib import Path

import pytest

from tests.cli.conftest import CommandLine
from tests.runs.class_subsets import coloured


@pytest.fixture(scope="module")
def colours(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six images in six folders of ImageNet's classes."""
    return coloured(tmp_path_factory.mktemp("colours") / "val", 6)


@pytest.fixture(scope="module")
def factory(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A network of one's own with 1,000 outputs whatever it is asked for, as a name for --model."""
    path = tmp_path_factory.mktemp("factory") / "net.py"
    path.write_text(
        "import torch\nfrom torch import nn\n\n\ndef make():\n    torch.manual_seed(0)\n"
        "    return nn.Sequential(nn.AdaptiveAvgPool2d(4), nn.Flatten(), nn.Linear(48, 1000))\n"
    )
    return f"{path}:make"


def test_which_outputs_were_looked_at_stands_in_every_output(
    ppbench: CommandLine, colours: Path, factory: str, tmp_path: Path
) -> None:
    """run.json, the tables, the report and the exported rows say it; compare and report refuse both together."""
    for outputs, told in (("subset", "100 of 1000"), ("all", "all 1000")):
        out = tmp_path / outputs
        done = ppbench(
            "eval", "--model", factory, "--data", "imagenet100-c", "--root", colours, "--corruptions", "brightness",
            "--severities", "1", "--out", out, "--outputs", outputs, "--mean", "0,0,0", "--std", "1,1,1",
        )  # fmt: skip
        assert done.code == 0, done.err
        assert f"outputs: {told} (" in done.err
        assert f"outputs: {told} (" in " ".join(done.out.split())
        for name in ("table.md", "table.tex", "report.html", "scores.json"):
            assert f"outputs: {told} (" in (out / name).read_text(encoding="utf-8"), name
        kept = json.loads((out / "run.json").read_text(encoding="utf-8"))["models"][0]["outputs"]
        assert (kept["answers"], kept["of"], len(kept["indices"])) == (outputs, 1000, 100)
        rows = ppbench("export", out, "--csv").out.splitlines()
        assert dict(zip(rows[0].split(","), rows[1].split(","), strict=True))["outputs"] == told
    for command in ("compare", "report"):
        done = ppbench(command, tmp_path / "subset", tmp_path / "all")
        assert (done.code, len(done.err.splitlines())) == (2, 1), done.err
        assert "other answers count as errors here" in done.err


@pytest.mark.parametrize(
    ("outputs", "message"),
    [
        (
            "nosuch.txt",
            "nosuch.txt: no such file or directory: --outputs takes subset, all, background-first, or a file",
        ),
        (
            "background-first",
            "net.py:make: expected 6 classes, as folder-c has, got 1000: --outputs background-first is for 7",
        ),
        (
            "short.txt",
            "short.txt: expected the index of an output for each of the 6 classes of folder-c, got 2 lines",
        ),
    ],
)
@pytest.mark.parametrize("command", ["eval", "doctor"])
def test_a_mistake_is_one_line(
    command: str,
    outputs: str,
    message: str,
    ppbench: CommandLine,
    colours: Path,
    factory: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Exit code 2, nothing written, no traceback."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "short.txt").write_text("4\n7\n")
    done = ppbench(command, "--model", factory, "--data", "folder-c", "--root", colours, "--outputs", outputs)
    assert done.code == 2
    assert message in done.err.splitlines()[-1]
    assert not list(tmp_path.glob("results/*"))
