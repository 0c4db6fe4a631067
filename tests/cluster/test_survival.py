"""A run on a Ray cluster gives the bytes of a run in one process, whatever dies on the way."""

import json
import os
import signal
import subprocess
from pathlib import Path

import pytest

from tests.cluster.clusters import CELLS, cluster, same_files, start, wait_for_cells
from tests.processes import end

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the same run with the local engine."""
    folder = tmp_path_factory.mktemp("local")
    end(start(folder / "run", folder / "cache"))
    return folder / "run"


def _workers(under: int) -> list[int]:
    """The processes below one that are answering a shard: Ray names a process after its task."""
    lines = subprocess.run(
        ["ps", "-eo", "pid=,ppid=,args="], capture_output=True, text=True
    ).stdout.splitlines()
    table = [line.split(None, 2) for line in lines]
    family = {str(under)}
    while more := {pid for pid, parent, _ in table if parent in family} - family:
        family |= more
    return [int(pid) for pid, _, name in table if pid in family and name.startswith("ray::answer")]


@pytest.mark.parametrize("workers", [2, 4])
def test_two_and_four_workers_give_the_same_bytes(workers: int, local: Path, tmp_path: Path) -> None:
    """Started by ppbench itself where there is one machine, or by somebody else where there is a cluster."""
    with cluster(workers) as here:
        end(start(tmp_path / "run", tmp_path / "cache", "--engine", "ray", "--ray-address", here.address))
    assert same_files(local, tmp_path / "run")
    manifest = json.loads((tmp_path / "run" / "run.json").read_text())
    assert manifest["device"]["engine"] == "ray"
    assert manifest["device"]["name"] == f"Ray: 1 node, {workers} CPUs, 0 GPUs"
    assert (manifest["cells"]["from_store"], manifest["cells"]["evaluated"]) == (0, CELLS)


def test_a_worker_that_is_killed_costs_nothing_but_time(local: Path, tmp_path: Path) -> None:
    """SIGKILL to a process in the middle of a shard: the shard is done again."""
    with cluster(2) as here:
        run = start(tmp_path / "run", tmp_path / "cache", "--engine", "ray", "--ray-address", here.address)
        wait_for_cells(tmp_path / "cache", 3, run)
        victims: list[int] = []
        while not victims:
            assert run.poll() is None
            victims = _workers(os.getpid())
        os.kill(victims[0], signal.SIGKILL)
        end(run)
    assert same_files(local, tmp_path / "run")


def test_a_node_that_stops_costs_nothing_but_time(local: Path, tmp_path: Path) -> None:
    """The second node goes, with all its processes, in the middle: the first one does its shards again."""
    with cluster(1, 1) as here:
        second = max(here.worker_nodes, key=lambda node: node.node_id)
        run = start(tmp_path / "run", tmp_path / "cache", "--engine", "ray", "--ray-address", here.address)
        wait_for_cells(tmp_path / "cache", 3, run)
        here.remove_node(second, allow_graceful=False)
        end(run)
    assert same_files(local, tmp_path / "run")


def test_a_driver_that_is_killed_goes_on_from_the_store(local: Path, tmp_path: Path) -> None:
    """The same command again takes the finished cells from the store and ends with the same bytes."""
    with cluster(2) as here:
        options = ("--engine", "ray", "--ray-address", here.address)
        run = start(tmp_path / "run", tmp_path / "cache", *options)
        wait_for_cells(tmp_path / "cache", 3, run)
        os.killpg(run.pid, signal.SIGKILL)
        run.communicate()
        end(start(tmp_path / "run", tmp_path / "cache", *options))
    assert same_files(local, tmp_path / "run")
    cells = json.loads((tmp_path / "run" / "run.json").read_text())["cells"]
    assert cells["from_store"] >= 3
    assert cells["from_store"] + cells["evaluated"] == CELLS


def test_a_cluster_of_this_machine_needs_no_address(local: Path, tmp_path: Path) -> None:
    """`--engine ray` alone starts one, takes the cells of a local run from the store, and ends it."""
    first = start(tmp_path / "first", tmp_path / "cache", "--severities", "1")
    end(first)
    end(start(tmp_path / "run", tmp_path / "cache", "--engine", "ray"))
    assert same_files(local, tmp_path / "run")
    cells = json.loads((tmp_path / "run" / "run.json").read_text())["cells"]
    assert cells["from_store"] == 7
