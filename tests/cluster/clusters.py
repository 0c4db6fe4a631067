"""Ray clusters of several node processes on this machine, and runs on them in processes of their own."""

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ray.cluster_utils import Cluster

from tests import processes

# 36 cells of 100 images, in shards of 40: enough tasks for something to be in the middle of.
WORK = ("--model", "resnet20", "--limit", "100", "--batch-size", "2", "--corruptions", "noise,snow,frost,fog")
CELLS = 31
FILES = ("errors.csv", "predictions.npz")


@contextmanager
def cluster(*cpus: int, **last_node: Any) -> Iterator[Cluster]:
    """Yield a cluster with a node for each number of CPUs; `last_node` is what else the last node is started with."""
    made = Cluster()
    try:
        for number, count in enumerate(cpus):
            last = number == len(cpus) - 1
            options = {"object_store_memory": 100 << 20, "include_dashboard": False} if number == 0 else {}
            made.add_node(num_cpus=count, **options, **(last_node if last else {}))
        made.wait_for_nodes()
        yield made
    finally:
        made.shutdown()


def start(out: Path, cache: Path, *options: str) -> subprocess.Popen[str]:
    """Start `ppbench eval` of the work, with one thread a process."""
    where = {"PPBENCH_CACHE": str(cache), "OMP_NUM_THREADS": "1"}
    return processes.start("eval", *WORK, *options, "--out", str(out), **where)


def wait_for_cells(cache: Path, count: int, process: subprocess.Popen[str]) -> None:
    """Wait until a run has stored so many cells, and prove that it is still in the middle."""
    deadline = time.monotonic() + 300
    while len(list(cache.rglob("*.cell"))) < count:
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert process.poll() is None


def same_files(first: Path, second: Path) -> bool:
    """Whether two runs have the same answers, byte for byte."""
    return all((first / name).read_bytes() == (second / name).read_bytes() for name in FILES)
