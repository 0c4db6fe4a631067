"""Where a run computes: models made ready for the device, and the engine that does the work."""

from collections.abc import Collection, Sequence
from pathlib import Path

import torch

from ppbench.data.decoded import FOLDER, Decoder
from ppbench.data.source import DataSource
from ppbench.evaluation.batch_size import BatchSize
from ppbench.evaluation.generator import Generator
from ppbench.evaluation.loop import LocalEngine
from ppbench.evaluation.network import Network
from ppbench.models.loaded_model import LoadedModel
from ppbench.models.registry import ARCHITECTURES


def make_ready(
    models: Sequence[LoadedModel],
    unchanged: Collection[str],
    device: torch.device,
    precision: str,
    *,
    compiled: bool,
) -> list[Network]:
    """Move models to their device, in place, and return them ready for the hot loop.

    Args:
        models: the models of a run.
        unchanged: the names of those that nobody but the run has: their weights may change their layout.
        device: where they are to answer.
        precision: that they are to answer in.
        compiled: whether torch compiles them.
    """
    for model in models:
        model.to(device)
        if model.name in unchanged and model.architecture in ARCHITECTURES:
            model.module.to(memory_format=torch.channels_last)  # the layout of their batches
    return [Network(model, precision, compiled=compiled) for model in models]


def local_engine(
    images: DataSource,
    networks: Sequence[Network],
    *,
    generator: Generator,
    batch: BatchSize,
    device: torch.device,
    cache: Path | None,
) -> LocalEngine:
    """Return the engine of this process; `cache` is where decoded images are kept, None for the usual place."""
    decoder = Decoder(folder=None if cache is None else cache / FOLDER)
    return LocalEngine(images, networks, generator=generator, batch=batch, device=device, decoder=decoder)
