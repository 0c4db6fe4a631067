"""A user without a home and without an entry in the list of users: `docker run --user 12345`."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from ppbench.data import places
from ppbench.errors import InputError
from ppbench.models import index
from ppbench.models.own_index import add
from ppbench.user_folders import user_cache, user_data

NOBODY = 12345
SMALL = ["--corruptions", "fog", "--severities", "1", "--limit", "40"]


def _ppbench(folder: Path, *arguments: object, **environment: str) -> "subprocess.CompletedProcess[str]":
    """Run `ppbench` in a folder as a user that nothing is known of; it may read what we may, and write only there."""
    if not hasattr(os, "geteuid") or os.geteuid() != 0 or shutil.which("setpriv") is None:
        pytest.skip("needs root and setpriv, to run as a user without an entry")
    os.chown(folder, NOBODY, NOBODY)
    # Reading is kept: the interpreter of the tests may lie in a folder of root's own.
    become = ["setpriv", "--reuid", str(NOBODY), "--regid", str(NOBODY), "--clear-groups"]
    become += ["--inh-caps", "+dac_read_search", "--ambient-caps", "+dac_read_search"]
    kept = {
        name: os.environ[name] for name in ("PATH", "PYTHONPATH", "OMP_NUM_THREADS") if name in os.environ
    }
    if subprocess.run([*become, sys.executable, "-c", ""], env=kept, capture_output=True).returncode:
        pytest.skip("this system lets no other user run the interpreter of the tests")
    done = subprocess.run(
        [*become, sys.executable, "-m", "ppbench", *map(str, arguments)],
        cwd=folder,
        env={**kept, "PYTHONDONTWRITEBYTECODE": "1", **environment},
        capture_output=True,
        text=True,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that everybody can reach; those of pytest are their owner's alone."""
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


def test_what_needs_a_folder_says_which_to_name(folder: Path) -> None:
    """In one line; the lists need none."""
    done = _ppbench(folder, "cache")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "PPBENCH_CACHE" in done.stderr
    assert _ppbench(folder, "models").returncode == 0


@pytest.mark.slow
def test_a_run_needs_none_where_it_is_told_one(folder: Path) -> None:
    """With --cache, --no-store or $PPBENCH_CACHE; without any it ends before its work; nobody makes a folder `~`."""
    run = ("eval", "--model", "resnet20", *SMALL, "--out", "run", "--overwrite")
    done = _ppbench(folder, *run)
    assert done.returncode == 2
    assert (
        "this user has no home folder; set PPBENCH_CACHE to a folder, or name one with --cache" in done.stderr
    )
    assert not (folder / "run").exists()
    assert _ppbench(folder, *run, "--cache", "cache").returncode == 0
    assert len(list((folder / "cache" / "cells").rglob("*.cell"))) == 2
    assert _ppbench(folder, *run, "--no-store", "--no-report").returncode == 0
    assert _ppbench(folder, *run, "--no-report", PPBENCH_CACHE=str(folder / "cache")).returncode == 0
    assert sorted(path.name for path in folder.iterdir()) == ["cache", "run"]


@pytest.mark.slow
def test_other_commands_need_none(folder: Path) -> None:
    """Those that write where they are told, and the doctor, who says what is missing."""
    assert _ppbench(folder, "data").returncode == 0
    generate = ("generate", "--out", "made", "--limit", 20, "--corruptions", "fog", "--workers", 1)
    assert _ppbench(folder, *generate).returncode == 0
    doctor = _ppbench(folder, "doctor", "--no-trial")
    assert doctor.returncode == 2
    assert "set $PPBENCH_CACHE" in " ".join(doctor.stdout.split())
    assert _ppbench(folder, "doctor", "--no-trial", PPBENCH_CACHE=str(folder)).returncode == 0
    zoo = _ppbench(folder, "eval", "--model", "torchvision:resnet18", *SMALL, "--no-store", "--out", "run")
    assert zoo.returncode == 2
    assert "downloaded weights" in zoo.stderr
    assert sorted(path.name for path in folder.iterdir()) == ["made"]


@pytest.fixture
def homeless(monkeypatch: pytest.MonkeyPatch) -> None:
    """This process, as if its user had no home."""

    def ask(*_args: object, **_options: object) -> str:
        raise RuntimeError("could not determine the home directory")

    for name in ("PPBENCH_CACHE", "PPBENCH_DATA", "PPBENCH_CHECKPOINTS", "TORCH_HOME", "HF_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("platformdirs.user_data_dir", ask)
    monkeypatch.setattr("platformdirs.user_cache_dir", ask)


@pytest.mark.usefixtures("homeless")
def test_folders_without_a_home() -> None:
    """What is only looked for is not there; downloads of data go to ./data; the rest says what to set."""
    assert user_data() is user_cache() is None
    assert places.usual_places() == [Path("data")]
    assert places.download_folder() == Path("data")
    assert index.user_folder() is None
    assert index.user_index() == ()
    with pytest.raises(InputError, match="set PPBENCH_CACHE to a folder, or name one with --cache"):
        places.cache_folder()
    with pytest.raises(
        InputError, match="downloaded weights in: this user has no home folder; set PPBENCH_CACHE"
    ):
        index.cache_folder()
    with pytest.raises(InputError, match="set PPBENCH_CHECKPOINTS to a folder"):
        add(index.shipped_folder() / "resnet20-pp-jpeg-cifar10.safetensors", "mine")


@pytest.mark.usefixtures("homeless")
def test_libraries_download_where_ppbench_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the user has set stays."""
    monkeypatch.setenv("PPBENCH_CACHE", str(tmp_path))
    monkeypatch.setenv("HF_HOME", "mine")
    index.give_libraries_a_home()
    assert os.environ["TORCH_HOME"] == str(tmp_path / "checkpoints" / "torch")
    assert os.environ["HF_HOME"] == "mine"
    monkeypatch.delenv("TORCH_HOME")


def test_a_literal_sign_of_the_home_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """Older versions of platformdirs return it."""
    monkeypatch.setattr("platformdirs.user_cache_dir", lambda *_: "~/.cache/ppbench")
    assert user_cache() is None
