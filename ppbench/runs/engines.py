"""Where a run computes: in this process on one device, or on a Ray cluster."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import torch

from ppbench.cpu_count import cap_torch_threads
from ppbench.data.decoded import FOLDER, Decoder
from ppbench.data.source import DataSource
from ppbench.device import choose_device
from ppbench.errors import InputError, unknown
from ppbench.evaluation.batch_size import BatchSize
from ppbench.evaluation.generator import Generator
from ppbench.evaluation.loop import LocalEngine
from ppbench.evaluation.network import make_ready
from ppbench.evaluation.runner import Engine
from ppbench.models.loaded_model import LoadedModel
from ppbench.runs.config import ENGINES
from ppbench.runs.description import device_facts
from ppbench.runs.manifest import DeviceFacts


@dataclass(frozen=True)
class Task:
    """What an engine is made for.

    Attributes:
        images: of the run.
        models: of the run.
        unchanged: the names of the models that nobody but the run has.
        names: the corruptions of the run.
        generator: what makes the corrupted images of a generated source.
        batch: images per forward pass.
        precision: of the networks' arithmetic.
        compiled: whether torch compiles the networks.
        cache: where decoded images are kept; None for the usual place.
    """

    images: DataSource
    models: Sequence[LoadedModel]
    unchanged: frozenset[str]
    names: Sequence[str]
    generator: Generator
    batch: BatchSize
    precision: str
    compiled: bool
    cache: Path | None

    @property
    def decoder(self) -> Decoder:
        """What makes arrays of clean images that lie in files."""
        return Decoder(folder=None if self.cache is None else self.cache / FOLDER)


class Place(Protocol):
    """Somewhere to compute."""

    @property
    def device(self) -> torch.device:
        """Of the networks."""
        ...

    @property
    def here(self) -> torch.device:
        """Where this process itself can ask a network about a few images."""
        ...

    def facts(self) -> DeviceFacts:
        """Return what run.json says of the device."""
        ...

    def engine(self, task: Task) -> Engine:
        """Return an engine."""
        ...


@contextmanager
def place(engine: str, ray_address: str | None, device: str | None) -> Iterator[Place]:
    """Yield the place that the options name.

    Raises:
        InputError: there is no such engine, device or cluster.
    """
    if engine not in ENGINES:
        raise unknown("engine", engine, ENGINES)
    if engine == "ray":
        from ppbench.evaluation.ray_cluster import connected

        with connected(ray_address) as cluster:
            yield _OnRay(_device_of_workers(device, cluster.gpus), str(cluster))
        return
    if ray_address is not None:
        raise InputError(f"--ray-address {ray_address} needs --engine ray")
    cap_torch_threads()
    yield _Here(choose_device(device))


@dataclass(frozen=True)
class _Here:
    device: torch.device

    @property
    def here(self) -> torch.device:
        return self.device

    def facts(self) -> DeviceFacts:
        return device_facts(self.device)

    def engine(self, task: Task) -> LocalEngine:
        networks = make_ready(
            task.models, task.unchanged, self.device, task.precision, compiled=task.compiled
        )
        options: dict[str, Any] = {"generator": task.generator, "batch": task.batch, "decoder": task.decoder}
        return LocalEngine(task.images, networks, device=self.device, **options)


@dataclass(frozen=True)
class _OnRay:
    device: torch.device
    cluster: str

    @property
    def here(self) -> torch.device:
        return torch.device("cpu")  # the networks are sent from there, and this process may have no GPU

    def facts(self) -> DeviceFacts:
        return DeviceFacts(engine="ray", type=self.device.type, name=self.cluster, threads=1)

    def engine(self, task: Task) -> Engine:
        from ppbench.evaluation.ray_engine import RayEngine
        from ppbench.evaluation.ray_worker import Networks

        networks = Networks(
            task.models,
            task.unchanged,
            self.device.type,
            task.precision,
            task.compiled,
            task.batch.first,
            task.generator,
        )
        return RayEngine(task.images, networks, names=task.names, decoder=task.decoder)


def _device_of_workers(wanted: str | None, gpus: int) -> torch.device:
    if wanted in {None, "auto"}:
        return torch.device("cuda" if gpus else "cpu")
    if wanted not in {"cpu", "cuda"}:
        raise InputError(f"expected --device auto, cpu or cuda with --engine ray, got {wanted!r}")
    if wanted == "cuda" and not gpus:
        raise InputError("the cluster has no GPU: leave out --device cuda")
    return torch.device(wanted)
