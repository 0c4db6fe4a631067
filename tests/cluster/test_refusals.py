"""Clusters that cannot do the work: one line each, exit code 2."""

import shutil
import socket
import sys
from pathlib import Path

import numpy as np
import pytest

from ppbench.errors import InputError
from ppbench.evaluation import ray_cluster
from ppbench.models.index import shipped_folder
from ppbench.models.requests import ModelRequest
from ppbench.runs.config import EvaluationConfig
from ppbench.runs.evaluate import evaluate, run
from ppbench.runs.listeners import Listeners
from tests.cluster.clusters import cluster, start

SMALL = {"corruptions": "fog", "severities": "5", "limit": 10, "store": False, "engine": "ray"}


@pytest.fixture
def free_port() -> int:
    """A port where nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_no_cluster_at_the_address_is_one_line(free_port: int) -> None:
    """At once, and not after the minutes for which Ray itself would try."""
    with pytest.raises(
        InputError, match=rf"127.0.0.1:{free_port}: no Ray cluster there .*refused.*ray start"
    ):
        evaluate("resnet20", ray_address=f"127.0.0.1:{free_port}", **SMALL)


@pytest.mark.parametrize("address", ["nonsense", "ray://127.0.0.1:10001", "127.0.0.1:", "127.0.0.1:port"])
def test_an_address_of_another_form_is_one_line(address: str) -> None:
    """It says which form is expected."""
    with pytest.raises(InputError, match="expected --ray-address HOST:PORT"):
        evaluate("resnet20", ray_address=address, **SMALL)


@pytest.mark.slow
def test_something_else_at_the_address_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that is no Ray cluster, and that never answers."""
    monkeypatch.setattr(ray_cluster, "TIMEOUT", 1.0)
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
        with pytest.raises(InputError, match=f"{address}: no Ray cluster there"):
            evaluate("resnet20", ray_address=address, **SMALL)


def test_ray_that_is_not_installed_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """The line says how to get it."""
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(InputError, match=r"needs the package ray: pip install ray"):
        evaluate("resnet20", **SMALL)


def test_an_address_without_the_engine_is_one_line() -> None:
    """A run that was meant for a cluster does not quietly stay here."""
    with pytest.raises(InputError, match="needs --engine ray"):
        evaluate("resnet20", ray_address="auto", **{**SMALL, "engine": "local"})


@pytest.mark.slow
def test_a_worker_without_the_data_folder_is_one_line(tmp_path: Path) -> None:
    """The folder goes after the driver has opened it, as on a node where it never was."""
    root = tmp_path / "CIFAR-10-C"
    root.mkdir()
    random = np.random.default_rng(0)
    np.save(root / "labels.npy", np.tile(random.integers(0, 10, 20), 5))
    np.save(root / "fog.npy", random.integers(0, 256, (100, 32, 32, 3), np.uint8))
    # The shipped weights were trained on digits; any ten classes do.
    model = ModelRequest("alexnet", shipped_folder() / "alexnet-digits.safetensors")
    options = {**SMALL, "data": "cifar10-c", "root": root, "normaliser": "none"}
    with cluster(1) as here:
        found = evaluate(model, ray_address=here.address, **options)
        assert len(found.predictions.ids) == 10
        with pytest.raises(InputError, match=r"worker on .*: .*CIFAR-10-C: has no fog.npy"):
            run(
                model,
                EvaluationConfig(ray_address=here.address, **options),
                Listeners(warning=print, check=lambda _: shutil.move(root, tmp_path / "gone")),
            )


@pytest.mark.slow
def test_other_versions_on_a_worker_are_one_line(tmp_path: Path) -> None:
    """A node with another NumPy, as its package's metadata say: the line names what differs."""
    other = tmp_path / "packages" / "numpy-0.0.1.dist-info"
    other.mkdir(parents=True)
    (other / "METADATA").write_text("Metadata-Version: 2.1\nName: numpy\nVersion: 0.0.1\n")
    with cluster(1, 1, env_vars={"PYTHONPATH": str(other.parent)}) as here:
        run = start(tmp_path / "run", tmp_path / "cache", "--engine", "ray", "--ray-address", here.address)
        _, err = run.communicate(timeout=300)
    assert run.returncode == 2
    *inputs, line = err.strip().splitlines()
    assert f"expected numpy {np.__version__}, as the driver has, got 0.0.1" in line
    assert all(": from " in each for each in inputs)
    assert not (tmp_path / "run").exists()
