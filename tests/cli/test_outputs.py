"""Where a result cannot be written, the command says so before the work that it would lose."""

import shutil
from pathlib import Path

import pytest

import ppbench as api
from tests.cli.conftest import CommandLine


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small finished run."""
    folder = tmp_path_factory.mktemp("outputs") / "run"
    api.evaluate("resnet20", corruptions="contrast", severities=1, limit=20, out=folder)
    return folder


# Each names a folder where a file is wanted, a file where a folder is, or a folder that is not there.
CASES: dict[str, tuple[list[str], str]] = {
    "eval out": (["eval", "--model", "resnet20", "--out", "file"], "choose another with --out"),
    "eval cache": (["eval", "--model", "resnet20", "--cache", "file"], "name another folder with --cache"),
    "score bibtex": (["score", "RUN", "--bibtex", "none/x.bib"], "choose another with --bibtex"),
    "score format": (["score", "RUN", "--format", "markdown"], "unknown format 'markdown'"),
    "score reference": (["score", "RUN", "--reference", "cifar10"], "did you mean 'cifar10-c'?"),
    "compare format": (["compare", "RUN", "--format", "markdown"], "unknown format 'markdown'"),
    "report out": (["report", "RUN", "--out", "folder"], "this is a folder: choose another with --out"),
    "report plots": (["report", "RUN", "--out", "r.html", "--plots", "file"], "choose another with --plots"),
    "report reference": (["report", "RUN", "--out", "r.html", "--reference", "cifar10"], "did you mean"),
    "export out": (["export", "RUN", "--csv", "--out", "folder"], "choose another with --out"),
    "preview out": (["preview", "--out", "none/preview.png"], "choose another with --out"),
    "generate out": (["generate", "--out", "file"], "not a directory"),
    "generate grouped": (["generate", "--out", "new", "--grouped"], "expected a data set of image files"),
    "gate junit": (["gate", "RUN", "--baseline", "RUN", "--junit", "folder"], "choose another with --junit"),
}


@pytest.mark.parametrize("case", CASES)
def test_an_output_that_cannot_be_written_is_one_line(
    case: str, run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ppbench: CommandLine
) -> None:
    """Exit code 2, one line that names the option, nothing on stdout, and nothing written anywhere."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PPBENCH_CACHE", str(tmp_path / "cache"))
    (tmp_path / "file").write_text("mine")
    (tmp_path / "folder").mkdir()
    shutil.copytree(run, tmp_path / "RUN")
    before = sorted(str(path) for path in tmp_path.rglob("*"))
    arguments, says = CASES[case]
    done = ppbench(*arguments)
    assert (done.code, done.out, done.err.count("\n")) == (2, "", 1), done
    assert says in done.err
    left = sorted(str(path) for path in tmp_path.rglob("*") if path.is_file() or path.parent == tmp_path)
    assert [path for path in left if path not in before] == []
    assert (tmp_path / "file").read_text() == "mine"


def test_a_training_looks_at_its_card_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ppbench: CommandLine
) -> None:
    """The card is written last, after hours: a folder of its name is found first."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.md").mkdir()
    done = ppbench("train", "--recipe", "digits", "--epochs", 1, "--out", "net.safetensors")
    assert done.code == 2
    assert "net.md: this is a folder: choose another with --out" in done.err
    assert not (tmp_path / "net.training").exists()
