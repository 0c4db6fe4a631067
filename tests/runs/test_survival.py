"""Runs that are killed, interrupted or started twice."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.processes import end, start

FILES = ("errors.csv", "scores.json", "predictions.npz", "table.md")
MODELS = ("--model", "alexnet", "--model", "resnet20-pp")


def _start(out: Path, cache: Path, *options: str) -> subprocess.Popen[str]:
    """Start `ppbench eval` of both models on 100 images."""
    return start("eval", *MODELS, "--limit", "100", *options, "--out", str(out), PPBENCH_CACHE=str(cache))


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, float]:
    """The folder of an undisturbed run, and how long it took."""
    folder = tmp_path_factory.mktemp("undisturbed")
    started = time.monotonic()
    end(_start(folder / "run", folder / "cache"))
    return folder / "run", time.monotonic() - started


def _same_files(first: Path, second: Path) -> bool:
    return all((first / name).read_bytes() == (second / name).read_bytes() for name in FILES)


@pytest.mark.slow
def test_a_run_that_is_killed_twenty_times_ends_with_the_same_bytes(
    undisturbed: tuple[Path, float], tmp_path: Path
) -> None:
    """SIGKILL at 20 random moments; the same command goes on each time and ends as if nothing had been."""
    folder, duration = undisturbed
    moments = random.Random(1)  # noqa: S311  not a secret
    kills = 0
    for _ in range(20):
        process = _start(tmp_path / "run", tmp_path / "cache")
        try:
            process.wait(moments.uniform(0.4, 0.9) * duration)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            kills += 1
        process.communicate()
    assert kills
    end(_start(tmp_path / "run", tmp_path / "cache"))
    assert _same_files(folder, tmp_path / "run")
    assert not list(tmp_path.rglob("*.part"))


@pytest.mark.slow
def test_two_processes_on_one_folder_share_the_work(undisturbed: tuple[Path, float], tmp_path: Path) -> None:
    """Started at once, both end well with the same result, and the store holds each cell once."""
    folder, _ = undisturbed
    both = [_start(tmp_path / "run", tmp_path / "cache") for _ in range(2)]
    for process in both:
        end(process)
    assert _same_files(folder, tmp_path / "run")
    assert len(list((tmp_path / "cache").rglob("*.cell"))) == 2 * 76


@pytest.mark.slow
def test_ctrl_c_is_one_line_and_exit_code_130(tmp_path: Path) -> None:
    """An interrupt says that the work is kept, and leaves no half-written run."""
    process = _start(tmp_path / "run", tmp_path / "cache")
    deadline = time.monotonic() + 120
    while not list(tmp_path.rglob("*.cell")) and time.monotonic() < deadline:
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    *inputs, line = err.strip().splitlines()
    assert "finished cells are kept" in line
    inputs = [each for each in inputs if "set-up check" not in each]  # said once the clean cell is done
    assert len(inputs) == len(MODELS) / 2
    assert all(": from " in each for each in inputs)
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
def test_a_full_disk_is_one_line_and_loses_nothing_finished(
    undisturbed: tuple[Path, float], tmp_path: Path
) -> None:
    """A limit on file sizes stands for the full disk: exit code 2, and the next call goes on to the same bytes."""
    folder, _ = undisturbed
    # predictions.npz is larger than 10 blocks of 1,024 bytes, a cell is not. SIGXFSZ is ignored, so that the write
    # fails as on a full disk.
    command = f"{sys.executable} -m ppbench eval {' '.join(MODELS)} --limit 100 --out {tmp_path / 'run'}"
    done = subprocess.run(
        ["bash", "-c", f"trap '' XFSZ; ulimit -f 10; exec {command}"],
        env={**os.environ, "PPBENCH_CACHE": str(tmp_path / "cache")},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2, done.stderr
    *inputs, line = done.stderr.strip().splitlines()
    assert "file too large" in line
    inputs = [each for each in inputs if "set-up check" not in each]  # said once the clean cell is done
    assert len(inputs) == len(MODELS) / 2
    assert all(": from " in each for each in inputs)
    assert not (tmp_path / "run" / "run.json").exists()
    end(_start(tmp_path / "run", tmp_path / "cache"))
    assert _same_files(folder, tmp_path / "run")
