"""What a process of a Ray cluster does: check that it is like the driver, open the images, answer shards.

This module is imported by every worker; it keeps the engine of the last job, so that networks and images are loaded
once a process.
"""

import hashlib
import pickle
import platform
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch

import corruptions
from ppbench.data.image_set import Pixels
from ppbench.data.source import DataSource
from ppbench.errors import InputError
from ppbench.evaluation.answers import Answers
from ppbench.evaluation.batch_size import BatchSize
from ppbench.evaluation.generator import Generator
from ppbench.evaluation.loop import LocalEngine
from ppbench.evaluation.network import make_ready
from ppbench.evaluation.work import Work
from ppbench.installed import DECISIVE, version_of
from ppbench.models.loaded_model import LoadedModel

_ROOMS = ("data", "evaluation", "models", "scoring")  # of ppbench: this one, and those that it imports

Facts = Mapping[str, str]


@dataclass(frozen=True)
class Images:
    """The images of a job; pickled, it is small: published files stay where they are, clean pixels go by themselves.

    Attributes:
        source: without the pixels of its clean images.
        digests: of the published images of each corruption, as the driver sees them.
        plugins: third parties' corruptions, with the digests of their sources.
    """

    source: DataSource
    digests: Mapping[str, str]
    plugins: Sequence[tuple[corruptions.Corruption, str]]


@dataclass(frozen=True)
class Networks:
    """The networks of a job, and how they answer."""

    models: Sequence[LoadedModel]
    unchanged: frozenset[str]
    device: str
    precision: str
    compiled: bool
    batch: int
    generator: Generator


@dataclass(frozen=True)
class Refused:
    """A worker cannot do the work, by nobody's fault but the cluster's: one line."""

    line: str


@dataclass(frozen=True)
class Job:
    """Where a worker finds what it needs; the references are fetched once a process.

    Attributes:
        name: that no other job has.
        facts: of the driver.
        images: reference to pickled `Images`.
        networks: reference to pickled `Networks`.
        clean: reference to the clean pixels, which a node has once for all its workers; None where there are none.
    """

    name: str
    facts: Facts
    images: Any
    networks: Any
    clean: Any


_engines: dict[str, LocalEngine] = {}


@cache
def facts_here() -> dict[str, str]:
    """Return what must be the same in every process: versions, and the code of ppbench that works there."""
    found = {"python": platform.python_version()}
    for package in DECISIVE:
        found[package] = version_of(package) or "none"
    code = hashlib.sha256()
    for name, path in sorted(code_here().items()):
        code.update(name.encode() + path.read_bytes())
    return {**found, "code of ppbench": code.hexdigest()[:12]}


def code_here() -> dict[str, Path]:
    """Return the files whose code works in a worker by their names, e.g. ``ppbench/data/draws.py``.

    They are the modules of ppbench that are in no room, which every room may import, some rooms, and the corruptions.
    """
    ours, theirs = Path(__file__).parents[1], Path(corruptions.__file__).parent
    files = [(ours, path) for path in ours.glob("*.py")]
    files += [(ours, path) for room in _ROOMS for path in (ours / room).rglob("*.py")]
    files += [(theirs, path) for path in theirs.rglob("*.py")]
    return {path.relative_to(top.parent).as_posix(): path for top, path in files}


def check(job: Job) -> Refused | None:
    """Return why this process cannot take part in a job; None if it can."""
    try:
        _require_the_same(job.facts)
        _open(job)
    except InputError as error:
        return _refused(error)
    return None


def answer(job: Job, work: Work) -> dict[str, Answers] | Refused:
    """Return the answers of every network to some images of a cell."""
    try:
        if job.name not in _engines:
            _require_the_same(job.facts)
            engine = _engine(job)
            _engines.clear()
            _engines[job.name] = engine
        ((_, answers),) = _engines[job.name].evaluate([work])
    except InputError as error:
        return _refused(error)
    return answers


def _refused(error: InputError) -> Refused:
    return Refused(f"worker on {socket.gethostname()}: {error}")


def _require_the_same(theirs: Facts) -> None:
    ours = facts_here()
    for what, wanted in theirs.items():
        if ours.get(what) != wanted:
            raise InputError(
                f"expected {what} {wanted}, as the driver has, got {ours.get(what)}: "
                "install the same versions on every node"
            )


def _open(job: Job) -> DataSource:
    """Return the images as this node sees them, with the clean pixels.

    Raises:
        InputError: published files are not there, or are others than the driver's.
    """
    import ray

    images: Images = pickle.loads(ray.get(job.images))  # noqa: S301  from our own driver
    for what, digest in images.plugins:
        corruptions.register(what, digest)
    source = images.source
    if source.published is not None:
        for name, wanted in images.digests.items():
            if source.published.corruption_digest(name) != wanted:
                raise InputError(
                    f"{source.name}: the images of {name} are not the driver's: put the same published files under the "
                    "same path on every node"
                )
    if source.clean is None:
        return source
    pixels: Pixels = ray.get(job.clean)
    return replace(source, clean=replace(source.clean, images=pixels))


def _engine(job: Job) -> LocalEngine:
    import ray

    networks: Networks = pickle.loads(ray.get(job.networks))  # noqa: S301  as above
    device = torch.device(networks.device)
    if device.type == "cpu":
        torch.set_num_threads(1)  # the cluster counts CPUs, and this process has one of them
    ready = make_ready(
        networks.models, networks.unchanged, device, networks.precision, compiled=networks.compiled
    )
    return LocalEngine(
        _open(job), ready, generator=networks.generator, batch=BatchSize(networks.batch), device=device
    )


def joined(parts: Sequence[Answers]) -> Answers:
    """Return the answers to consecutive images as one."""
    fields = Answers.__dataclass_fields__
    return Answers(**{name: np.concatenate([getattr(part, name) for part in parts]) for name in fields})
