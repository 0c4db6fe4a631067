"""Two trainings at once into one file."""

import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ppbench.errors import InputError
from ppbench.training.resume import alone
from ppbench.training.run import run_recipe
from tests.holders import holder


@pytest.fixture
def holding(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that holds the folder `mine.training`, with a child that outlives it."""
    with holder(
        "from ppbench.training.resume import alone\nwith alone(path):", tmp_path / "mine.training"
    ) as process:
        yield process


def test_a_second_training_is_refused(holding: subprocess.Popen[str], tmp_path: Path) -> None:
    """Before its first step, in one line; what the first one has is not touched, not even by --fresh."""
    del holding
    for fresh in (False, True):
        with pytest.raises(InputError, match=r"mine\.training: another training is at work there"):
            run_recipe("digits", out=tmp_path / "mine.safetensors", fresh=fresh)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.training"]


def test_a_killed_training_holds_nothing(holding: subprocess.Popen[str], tmp_path: Path) -> None:
    """Nor do the processes that it forked off to read images, which end a little later."""
    holding.send_signal(signal.SIGKILL)
    holding.wait()
    started = time.monotonic()
    with alone(tmp_path / "mine.training"):
        assert time.monotonic() - started < 60


def test_a_folder_that_nothing_came_into_is_removed(tmp_path: Path) -> None:
    """A start that failed leaves nothing behind; what a training has kept stays."""
    folder = tmp_path / "mine.training"

    def fail(kept: bool) -> None:
        with alone(folder):
            if kept:
                (folder / "last.ckpt").touch()
            raise InputError("no")

    with pytest.raises(InputError):
        fail(kept=False)
    assert not folder.exists()
    with pytest.raises(InputError):
        fail(kept=True)
    assert (folder / "last.ckpt").exists()
