"""The front door: from names to a scored, written run. The command line and Python callers enter here."""

import shlex
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

import corruptions as corruption_engine
from ppbench import provenance
from ppbench.data.sets import DataSource, open_data
from ppbench.errors import InputError, unknown
from ppbench.evaluation.cells import CLEAN, CellId, parse_corruptions, parse_severities, plan
from ppbench.evaluation.device import choose_device
from ppbench.evaluation.loop import default_batch_size, evaluate_cells
from ppbench.models.load import LoadedModel, load_model
from ppbench.models.requests import ModelRequest, unique_names
from ppbench.run_folder import SCHEMA_VERSION, Predictions, Run, prepare, tables_of, write
from ppbench.scoring.errors_table import ErrorTable
from ppbench.scoring.normaliser import Normaliser, choose_normaliser, default_normaliser, measured
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
    loaded = [model.to(where) for model in _load(models, images)]
    names = [model.name for model in loaded]
    if baseline_model is not None and baseline_model not in names:
        raise unknown("baseline model", baseline_model, names)
    created = out is not None and not out.exists()
    if out is not None:
        prepare(out)
    try:
        return _evaluate(
            loaded,
            images,
            plan(*cells_wanted, clean=images.clean is not None),
            seed=seed,
            limit=limit,
            batch_size=batch_size,
            device=where,
            normaliser=normaliser,
            baseline_model=baseline_model,
            out=out,
            on_batch=on_batch,
        )
    except BaseException:
        if out is not None and created and not any(out.iterdir()):
            out.rmdir()  # a run that failed before its first file leaves nothing
        raise


def _evaluate(
    models: Sequence[LoadedModel],
    images: DataSource,
    cells: Sequence[CellId],
    *,
    seed: int,
    limit: int | None,
    batch_size: int,
    device: Any,
    normaliser: str,
    baseline_model: str | None,
    out: Path | None,
    on_batch: OnBatch,
) -> Run:
    started, clock = datetime.now(UTC), time.perf_counter()
    total = len(cells) * len(images.ids)
    results = evaluate_cells(
        models,
        images,
        cells,
        seed=seed,
        batch_size=batch_size,
        device=device,
        on_batch=lambda cell, count: on_batch(_title(cell), count, total),
    )
    answers = {(result.model, result.cell): result.predictions for result in results}
    predictions = Predictions(
        models=tuple(model.name for model in models),
        cells=tuple((cell.corruption, cell.severity) for cell in cells),
        ids=images.ids,
        labels=images.labels,
        classes=np.stack([[answers[model.name, cell] for cell in cells] for model in models]),
    )
    tables = tables_of(predictions)
    divisor, notes = _normaliser(normaliser, tables, models, images)
    scores = score(tables, divisor, baseline=baseline_model)
    ...


def _normaliser(
    wanted: str, tables: Sequence[ErrorTable], models: Sequence[LoadedModel], images: DataSource
) -> tuple[Normaliser | None, list[str]]:
    """Return what to divide by, and what a reader of the table must know about it."""
    alexnets = [model.name for model in models if model.architecture.removeprefix("torchvision:") == "alexnet"]
    if wanted == "measured" and len(alexnets) == 1:
        wanted = f"measured:{alexnets[0]}"
    if wanted != "auto":
        return choose_normaliser(wanted, tables), []
    # The published table belongs to the published files; for generated ones an AlexNet that saw the same images is
    # the honest divisor, where the run has one.
    if alexnets and images.source == "generated":
        return choose_normaliser(f"measured:{alexnets[0]}", tables), []
    found = default_normaliser(images.name)
    if found is None:
        return None, [f"no AlexNet table for {images.name}: evaluate an alexnet in the same run to have CE and mCE"]
    if images.source == "generated" and ...:
        return found, []
    return found, []
