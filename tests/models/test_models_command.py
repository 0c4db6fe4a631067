import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from ppbench.cli import app
from ppbench.errors import InputError
from ppbench.models.index import shipped_index
from ppbench.models.registry import ARCHITECTURES
from tests.models.foreign_files import network_of, write


def models(*arguments: object) -> Result:
    """Run `ppbench models …`."""
    return CliRunner().invoke(app, ["models", *map(str, arguments)])


def test_json_lists_every_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`--json` is a list of objects with the promised keys; what is in the cache says so."""
    monkeypatch.setenv("PPBENCH_CACHE", str(tmp_path))
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "checkpoints" / "resnet20-cifar10.pth.tar").write_bytes(b"")
    done = models("--json")
    rows = json.loads(done.stdout)
    assert done.exit_code == 0
    assert [row["id"] for row in rows] == [entry.id for entry in shipped_index()]
    for row in rows:
        assert {"id", "architecture", "data", "shipped", "cached", "sha256", "clean_error"} <= row.keys()
        assert row["shipped"] == (row["url"] is None)
        assert row["cached"] == (row["id"] == "resnet20-cifar10")


def test_the_table_names_them_whole() -> None:
    """The table has every id, uncut, also without a terminal."""
    done = models()
    assert done.exit_code == 0
    lines = done.stdout.splitlines()
    for entry in shipped_index():
        assert any(line.startswith(f"{entry.id} ") and entry.data in line for line in lines)


def test_every_checkpoint_is_one_line_of_80() -> None:
    """The widest row fits a terminal of 80 columns, so that no word of it is broken."""
    assert max(len(line.rstrip()) for line in models().stdout.splitlines()) <= 80


def test_architectures() -> None:
    """`--architectures` lists every network that can be built."""
    done = models("--architectures", "--json")
    assert [row["name"] for row in json.loads(done.stdout)] == list(ARCHITECTURES)
    assert "resnet50-pp5" in models("--architectures").stdout


def test_inspect(test_data: Path) -> None:
    """`models inspect FILE` says what the loader sees; `--json` says the same."""
    path = test_data / "pushpull-2020" / "resnet-20-pp" / "checkpoint.pth.tar"
    text = models("inspect", path).stdout
    for words in (
        "legacy",
        "resnet20-pp2020-cifar10",
        "push-pull stem of 2020",
        "opened 'state_dict'",
        "128",
    ):
        assert words in text
    found = json.loads(models("inspect", path, "--json").stdout)
    assert found["architecture"] == "resnet20-pp2020"
    assert found["sha256"].startswith("c0f6647f")


def test_inspect_a_stranger(tmp_path: Path) -> None:
    """A file that is no checkpoint is one line."""
    (tmp_path / "page.pth").write_text("<html>")
    done = models("inspect", tmp_path / "page.pth")
    assert isinstance(done.exception, InputError)
    assert "a web page" in str(done.exception)


def test_inspect_runs_nothing(tmp_path: Path) -> None:
    """Inspecting a network whose window is not in the weights says which it could be."""
    path = write(tmp_path / "w.pt", network_of("resnet20-pp").state_dict(), "zip")
    assert "resnet20-pp0, resnet20-pp, resnet20-pp5" in models("inspect", path).stdout
