"""`ppbench data`."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ppbench.cli.data import data_app
from ppbench.data.inventory import inventory
from ppbench.data.registry import DATA_SETS
from tests.data.cifar_folders import batch, images_of, labels_of, published


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only data folder there is."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "user"))
    monkeypatch.setenv("PPBENCH_DATA", str(tmp_path / "here"))
    return tmp_path / "here"


def test_every_set_is_listed_with_what_is_here(place: Path) -> None:
    """Found folders are named; what is missing says how to get it and where to put it."""
    published(place / "CIFAR-10-C")
    batch(place / "cifar-10-batches-py" / "test_batch", images_of(4), labels_of(4))
    batch(place / "cifar-100-python" / "test", images_of(1), labels_of(1), b"fine_labels")
    found = {one.name: one for one in inventory()}
    assert list(found) == list(DATA_SETS)
    assert found["digits-c"].clean == "embedded"
    assert found["digits-c"].get == ""
    assert found["cifar10-c"].published == str(place / "CIFAR-10-C")
    assert found["cifar10-c"].clean == str(place / "cifar-10-batches-py")
    assert found["cifar10-c"].get == ""
    assert found["cifar100-c"].published is None
    assert found["cifar100-c"].clean == str(place / "cifar-100-python")
    assert "ppbench data get cifar100-c" in found["cifar100-c"].get
    assert str(place) in found["imagenet-c"].get


def test_the_command_lists_and_speaks_json(place: Path) -> None:
    """The list is for people, `--json` for scripts."""
    run = CliRunner().invoke(data_app, [])
    assert run.exit_code == 0
    assert all(name in run.stdout for name in DATA_SETS)
    assert str(place) in run.stderr
    as_json = json.loads(CliRunner().invoke(data_app, ["--json"]).stdout)
    assert [one["name"] for one in as_json] == list(DATA_SETS)


def test_get_prints_the_folder_that_is_there(place: Path) -> None:
    """A set that is there is not downloaded again."""
    published(place / "CIFAR-10-C")
    run = CliRunner().invoke(data_app, ["get", "cifar10-c"])
    assert run.exit_code == 0
    assert run.stdout.strip() == str(place / "CIFAR-10-C")
