"""Two trainings at once into one file."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ppbench.errors import InputError
from ppbench.training.alone import alone
from ppbench.training.run import run_recipe

HOLD = """
import os, sys, time
from pathlib import Path
from ppbench.training.alone import alone
with alone(Path(sys.argv[1])):
    if os.fork():
        print("held", flush=True)
    time.sleep(600)
"""


@pytest.fixture
def holder(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that holds the folder `mine.training`, with a child that outlives it."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path / "mine.training")],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    yield process
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def test_a_second_training_is_refused(holder: subprocess.Popen[str], tmp_path: Path) -> None:
    """Before its first step, in one line; what the first one has is not touched, not even by --fresh."""
    del holder
    for fresh in (False, True):
        with pytest.raises(
            InputError, match=r"mine\.training: expected no other training at work there, got one"
        ):
            run_recipe("digits", out=tmp_path / "mine.safetensors", fresh=fresh)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.training"]


def test_a_killed_training_holds_nothing(holder: subprocess.Popen[str], tmp_path: Path) -> None:
    """Nor do the processes that it forked off to read images, which end a little later."""
    holder.send_signal(signal.SIGKILL)
    holder.wait()
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
