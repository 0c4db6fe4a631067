"""Several processes, and processes that die."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from tests.data.cifar_folders import clean_cifar
from tests.processes import start
from tests.training.easy import small_recipe

PPBENCH = (sys.executable, "-m", "ppbench")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """160 training and 20 test images in CIFAR-10's layout, and a recipe for them."""
    small_recipe(tmp_path)
    return clean_cifar(tmp_path, 32)


def _command(root: Path, out: Path, *more: str) -> list[str]:
    places = ["--root", str(root), "--out", str(out)]
    return ["train", "--recipe", str(root / "small.toml"), "--device", "cpu", *places, *more]


def _environment() -> dict[str, str]:
    return {**os.environ, "OMP_NUM_THREADS": "1"}


@pytest.mark.slow
@pytest.mark.parametrize(
    "more",
    [(), ("--augmentation", "prime"), ("--augmentation", "augmix", "--set", "jsd=12.0")],
    ids=["plain", "prime", "augmix"],
)
def test_two_processes_train_what_one_trains(root: Path, more: tuple[str, ...]) -> None:
    """Through torchrun with gloo: the same weights at the same global batch, to float accuracy, batch norm included.

    In double precision and with small steps: rounding grows tenfold from step to step where batches are this small and
    steps large, in any two trainings that add in another order.
    """
    settings = [
        "--model",
        "resnet20-pp",
        "--epochs",
        "1",
        "--set",
        'precision="64"',
        "--set",
        "lr=0.01",
        *more,
    ]
    one, two = root / "one.safetensors", root / "two.safetensors"
    subprocess.run([*PPBENCH, *_command(root, one, *settings)], check=True, env=_environment(), timeout=300)
    launch = ["-m", "torch.distributed.run", "--nproc-per-node", "2", "--master-port", "29512"]
    done = subprocess.run(
        [sys.executable, *launch, *PPBENCH[1:], *_command(root, two, *settings)],
        env=_environment(),
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("clean error") == 1  # of the first process alone
    first, second = load_file(one), load_file(two)
    for name, tensor in first.items():
        assert torch.allclose(tensor.double(), second[name].double(), rtol=1e-5, atol=1e-6), name


@pytest.mark.slow
def test_a_batch_that_processes_cannot_share_is_refused(root: Path) -> None:
    """One image more for one of them would count twice in the mean."""
    launch = ["-m", "torch.distributed.run", "--nproc-per-node", "3", "--master-port", "29513"]
    done = subprocess.run(
        [
            sys.executable,
            *launch,
            *PPBENCH[1:],
            *_command(root, root / "w.safetensors", "--model", "alexnet"),
        ],
        env=_environment(),
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode != 0
    assert "expected a batch_size that 3 processes can share, got 16" in done.stderr


@pytest.mark.slow
def test_a_killed_training_goes_on_to_the_same_bytes(root: Path) -> None:
    """SIGKILL at any moment, three times; the file is that of a training that nothing happened to."""
    settings = ("--model", "resnet20", "--epochs", "6", "--keep-every", "0")
    undisturbed, killed = root / "one.safetensors", root / "two.safetensors"
    subprocess.run(
        [*PPBENCH, *_command(root, undisturbed, *settings)], check=True, env=_environment(), timeout=300
    )
    rng = np.random.default_rng(0)
    state = root / "two.training" / "last.ckpt"
    for _ in range(3):
        before = state.stat().st_mtime_ns if state.exists() else 0
        process = start(*_command(root, killed, *settings), OMP_NUM_THREADS="1")
        end = time.monotonic() + 120
        while (not state.exists() or state.stat().st_mtime_ns == before) and process.poll() is None:
            assert time.monotonic() < end
            time.sleep(0.01)
        time.sleep(rng.uniform(0, 0.3))
        process.send_signal(signal.SIGKILL)
        process.wait()
        if killed.exists():
            break
    subprocess.run(
        [*PPBENCH, *_command(root, killed, *settings)], check=True, env=_environment(), timeout=300
    )
    assert killed.read_bytes() == undisturbed.read_bytes()


@pytest.mark.slow
def test_ctrl_c_says_how_to_go_on(root: Path) -> None:
    """130, one line, and the state of the last epoch is there."""
    arguments = _command(root, root / "w.safetensors", "--model", "resnet20", "--epochs", "200")
    process = start(*arguments, OMP_NUM_THREADS="1")
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith("epoch 2/"):
            break
    process.send_signal(signal.SIGINT)
    rest = process.stderr.read()
    assert process.wait(60) == 130
    told = [line for line in rest.splitlines() if not line.startswith("epoch")]
    assert told == [
        (
            "ppbench: interrupted: the same command goes on from the last state that was kept, after an epoch or "
            "600 s; where there is none yet, it starts again"
        )
    ]
    assert (root / "w.training" / "last.ckpt").exists()
    assert not (root / "w.safetensors").exists()


@pytest.mark.slow
def test_a_full_disk_is_one_line_and_the_state_before_is_kept(root: Path) -> None:
    """A limit on the size of files stands for the disk: the state does not fit."""
    first = [*PPBENCH, *_command(root, root / "w.safetensors", "--model", "resnet20", "--epochs", "3")]
    limited = f"ulimit -f 500; exec {' '.join(first)}"
    done = subprocess.run(
        ["bash", "-c", limited], env=_environment(), capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 2, done.stderr
    lines = [line for line in done.stderr.splitlines() if not line.startswith("epoch")]
    assert len(lines) == 1
    assert "Traceback" not in done.stderr
    assert not list(root.glob("w.training/*.part"))
    assert not (root / "w.safetensors").exists()
