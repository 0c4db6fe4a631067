"""A cluster of machines through Ray: connecting to it, and what it has."""

import importlib.util
import logging
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from ppbench.errors import InputError

TIMEOUT = 20.0
"""Seconds in which a cluster must answer; Ray itself would try for minutes and then abort the process."""


@dataclass(frozen=True)
class Cluster:
    """A cluster that answers.

    Attributes:
        nodes: how many machines it has.
        cpus: of all of them.
        gpus: of all of them.
    """

    nodes: int
    cpus: int
    gpus: int

    def __str__(self) -> str:
        """Return what it has, for people."""
        nodes = f"{self.nodes} node" + ("" if self.nodes == 1 else "s")
        return f"Ray: {nodes}, {self.cpus} CPUs, {self.gpus} GPUs"


def look() -> Cluster:
    """Return what the cluster has now; nodes come and go."""
    import ray

    alive = [node for node in ray.nodes() if node["Alive"]]  # type: ignore[no-untyped-call]
    resources = [node["Resources"] for node in alive]
    cpus, gpus = (int(sum(each.get(kind, 0) for each in resources)) for kind in ("CPU", "GPU"))
    return Cluster(len(alive), cpus, gpus)


@contextmanager
def connected(address: str | None) -> Iterator[Cluster]:
    """Connect to a cluster, and leave it in the end.

    Args:
        address: ``HOST:PORT`` of its head, or ``"auto"`` for the one that this machine is a node of; None starts one
            of this machine alone, unless ``$RAY_ADDRESS`` names another.

    Raises:
        InputError: Ray is not installed, no cluster answers, or one of another version of Ray or Python.
    """
    if importlib.util.find_spec("ray") is None:
        raise InputError("--engine ray needs the package ray: pip install ray, or use --engine local")
    # Each is a line on stderr that no user of ppbench needs.
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    import ray

    if ray.is_initialized():  # by a Python caller, who leaves it
        yield look()
        return
    address = address or os.environ.get("RAY_ADDRESS") or None
    if address is not None and address != "auto":
        _require_answer(address)
    options: dict[str, Any] = {} if address is not None else {"include_dashboard": False}
    try:
        ray.init(
            address=address,
            log_to_driver=False,
            logging_level=logging.ERROR,
            configure_logging=True,
            **options,
        )
    except (ConnectionError, RuntimeError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise InputError(f"{_named(address)}: this Ray cluster cannot be used: {reason}") from error
    try:
        yield look()
    finally:
        ray.shutdown()


def _require_answer(address: str) -> None:
    """Refuse an address where no cluster of our version of Ray answers."""
    advice = "start one with `ray start --head`, or leave --ray-address out"
    host, colon, port = address.rpartition(":")
    if not colon or not port.isdigit() or "/" in host:
        raise InputError(f"expected --ray-address HOST:PORT, got {address!r}")
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=TIMEOUT).close()
    except (OSError, OverflowError) as error:
        reason = (getattr(error, "strerror", None) or str(error)).lower()
        raise InputError(f"{address}: no Ray cluster there ({reason}): {advice}") from error
    # Something listens; only Ray's own protocol tells what, and only another process survives a wrong guess.
    command = [sys.executable, "-m", "ray.scripts.scripts", "health-check", "--address", address]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT + 10, check=False)
    except subprocess.TimeoutExpired as error:
        raise InputError(
            f"{address}: no Ray cluster there (no answer that Ray understands): {advice}"
        ) from error
    if done.returncode:
        said = [line.strip() for line in done.stderr.splitlines() if "Error" in line]
        reason = said[-1] if said else "no answer that Ray understands"
        raise InputError(f"{address}: no Ray cluster there ({reason}): {advice}")


def _named(address: str | None) -> str:
    return "--engine ray" if address is None else address
