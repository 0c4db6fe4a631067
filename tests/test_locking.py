"""Locks between processes, and how they end."""

import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ppbench.locking import held
from tests.holders import holder


@pytest.fixture
def holding(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that holds the lock of the file `lock`, with a child that outlives it."""
    with holder(
        "from ppbench.locking import held\nwith held(path, wait=False):", tmp_path / "lock"
    ) as process:
        yield process


def test_a_lock_is_given_back_by_a_killed_process(holding: subprocess.Popen[str], tmp_path: Path) -> None:
    """Who does not wait is told no at once; who waits has it as soon as the holder is dead, whatever its child does."""
    began = time.monotonic()
    with held(tmp_path / "lock", wait=False) as mine:
        assert not mine
    assert time.monotonic() - began < 1
    threading.Timer(0.5, holding.kill).start()
    with held(tmp_path / "lock", wait=True) as mine:
        assert mine
        assert 0.4 < time.monotonic() - began < 30


def test_a_lock_is_free_again_after_its_block(tmp_path: Path) -> None:
    """And after one that failed; its file stays."""

    def fail() -> None:
        with held(tmp_path / "lock", wait=False) as mine:
            assert mine
            raise KeyError

    for _ in range(2):
        with pytest.raises(KeyError):
            fail()
    assert (tmp_path / "lock").exists()


def test_who_waits_for_a_file_that_is_removed_takes_a_new_one(tmp_path: Path) -> None:
    """Two never hold locks on two files of one name."""
    path, order = tmp_path / "lock", []

    def second() -> None:
        with held(path, wait=True) as mine:
            order.append((mine, path.exists()))

    with held(path, wait=False):
        waiting = threading.Thread(target=second)
        waiting.start()
        time.sleep(0.3)
        assert order == []
        path.unlink()
        order.append("given back")
    waiting.join(10)
    assert order == ["given back", (True, True)]


def test_a_thread_may_give_back_what_another_took(tmp_path: Path) -> None:
    """A generator that holds a lock may end in another thread than it began in."""
    lock = held(tmp_path / "lock", wait=False)
    assert lock.__enter__()
    thread = threading.Thread(target=lambda: lock.__exit__(None, None, None))
    thread.start()
    thread.join()
    with held(tmp_path / "lock", wait=False) as mine:
        assert mine
