"""The front door: from names to a scored, written run. The command line and Python callers enter here."""

import shlex
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import torch

from ppbench import __version__
from ppbench.data.sets import open_data
from ppbench.data.source import DataSource
from ppbench.errors import InputError, unknown
from ppbench.evaluation.cells import parse_corruptions, parse_severities, plan, title
from ppbench.evaluation.device import choose_device
from ppbench.evaluation.loop import Evaluator, default_batch_size
from ppbench.evaluation.runner import Runner
from ppbench.models.load import LoadedModel, load_model
from ppbench.models.requests import ModelRequest, unique_names
from ppbench.reporting.provenance_line import TableContext
from ppbench.runs import provenance
from ppbench.runs.description import describe_data, describe_model
from ppbench.runs.folder import SCHEMA_VERSION, Predictions, Run, prepare, tables_of, write
from ppbench.runs.normalising import pick_normaliser, quality_notes
from ppbench.scoring.scores import score

OnBatch = Callable[[str, int, int], None]

Model = str | ModelRequest | LoadedModel


def default_folder(data: str) -> Path:
    """Return the folder a run is written to where none is named: ``results/<time>-<data>``."""
    return Path("results") / f"{datetime.now():%Y%m%d-%H%M%S}-{data}"  # noqa: DTZ005  the user's own clock


def evaluate(
    models: Model | Sequence[Model],
    *,
    data: str = "digits-c",
    root: Path | None = None,
    source: str = "auto",
    corruptions: str | Sequence[str] = "benchmark",
    severities: str | Sequence[int] = "1-5",
    limit: int | None = None,
    seed: int = 0,
    batch_size: int | None = None,
    device: str | None = None,
    normaliser: str = "auto",
    baseline_model: str | None = None,
    out: Path | None = None,
    on_batch: OnBatch = lambda _cell, _images, _total: None,
) -> Run:
    """Evaluate models on clean and corrupted images, score them, and write the run where `out` says.

    Args:
        models: ids, architectures, requests with a checkpoint, or loaded models.
        data: a data set's name, e.g. ``"digits-c"``.
        root: a published -C folder, a clean data set, or an ``.npz``; None looks in the usual places.
        source: ``"auto"``, ``"published"`` or ``"generated"``.
        corruptions: the selection; see `parse_corruptions`.
        severities: the selection; see `parse_severities`.
        limit: evaluate a stratified subset of so many images, fixed by `seed`; None takes all.
        seed: seed of the generated corruptions and of the subset.
        batch_size: images per forward pass; None takes what suits the device.
        device: a torch device; None or ``"auto"`` takes the best one here.
        normaliser: ``"auto"``, ``"measured"``, ``"none"``, a shipped table's name, or a file.
        baseline_model: the model of this run that R_net compares with.
        out: the run's folder; None writes nothing.
        on_batch: called after each batch with the cell, its number of images, and the images of the whole run.

    Raises:
        InputError: bad input; nothing has been written then.
    """
    cells_wanted = parse_corruptions(corruptions), parse_severities(severities)
    where = choose_device(device)
    if batch_size is None:
        batch_size = default_batch_size(where)
    if batch_size < 1:
        raise InputError(f"expected a batch size of at least 1, got {batch_size}")
    images = open_data(
        data,
        root=root,
        source=source,
        corruptions=cells_wanted[0],
        severities=cells_wanted[1],
        limit=limit,
        seed=seed,
    )
    loaded = _load(models, images)
    for model in loaded:
        model.to(where).module.to(memory_format=torch.channels_last)
    names = [model.name for model in loaded]
    if baseline_model is not None and baseline_model not in names:
        raise unknown("baseline model", baseline_model, names)
    names_of_cells = plan(*cells_wanted, clean=images.clean is not None)
    with _folder(out):
        started, clock = datetime.now(UTC), time.perf_counter()
        total = len(names_of_cells) * len(images.ids)
        runner = Runner(
            Evaluator(images, seed=seed, batch_size=batch_size, device=where),
            loaded,
            on_batch=lambda cell, count: on_batch(title(cell), count, total),
        )
        answers = runner.run(names_of_cells, len(images.ids))
        predictions = Predictions(
            models=tuple(names),
            cells=tuple((cell.corruption, cell.severity) for cell in names_of_cells),
            ids=images.ids,
            labels=images.labels,
            classes=np.array(
                [[answers[name, cell].predictions for cell in names_of_cells] for name in names]
            ),
        )
        tables = tables_of(predictions)
        divisor, notes = pick_normaliser(normaliser, tables, loaded, images)
        notes += quality_notes(images, predictions, seed, limit)
        run = Run(
            manifest={
                "schema_version": SCHEMA_VERSION,
                "status": "complete",
                "command": shlex.join(["ppbench", *sys.argv[1:]]),
                "started": started.isoformat(timespec="seconds"),
                "seconds": round(time.perf_counter() - clock, 3),
                "versions": provenance.versions(),
                "git": provenance.git_revision(Path.cwd()),
                "device": provenance.device_facts(where),
                "precision": "fp32",
                "batch_size": batch_size,
                "models": [describe_model(model) for model in loaded],
                "data": describe_data(images, predictions.cells, seed=seed, limit=limit),
                "normaliser": None if divisor is None else divisor.name,
                "baseline_model": baseline_model,
            },
            tables=tables,
            scores=score(tables, divisor, baseline=baseline_model),
            context=TableContext(
                data=images.name,
                source=images.source,
                protocol=images.protocol,
                images=len(images.ids),
                seed=None if images.source == "published" and limit is None else seed,
                generator=None if images.source == "published" else f"ppbench {__version__}",
                notes=tuple(notes),
            ),
            predictions=predictions,
            folder=out,
        )
        if out is not None:
            write(run, out)
    return run


@contextmanager
def _folder(out: Path | None) -> Iterator[None]:
    """Prove that the run's folder can be written to, and leave none behind when the run fails before its first file."""
    if out is None:
        yield
        return
    created = not out.exists()
    prepare(out)
    try:
        yield
    except BaseException:
        if created and not any(out.iterdir()):
            out.rmdir()
        raise


def _load(models: Model | Sequence[Model], images: DataSource) -> list[LoadedModel]:
    """Return the networks, each with a name of its own and the right classes and size for the images."""
    wanted = [models] if isinstance(models, str | ModelRequest | LoadedModel) else list(models)
    if not wanted:
        raise InputError("expected at least one model, got none")
    requests = [ModelRequest(model) if isinstance(model, str) else model for model in wanted]
    loaded = [
        request
        if isinstance(request, LoadedModel)
        else load_model(
            request.model,
            checkpoint=request.checkpoint,
            data=images.name,
            num_classes=images.num_classes,
            image_size=images.image_size[0],
        )
        for request in requests
    ]
    files = [ModelRequest(model.name, model.checkpoint) for model in loaded]
    names = unique_names([model.name for model in loaded], files)
    return [replace(model, name=name) for model, name in zip(loaded, names, strict=True)]
