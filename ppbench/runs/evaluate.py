"""The front door: from names to a scored, written run. The command line and Python callers enter here."""

import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from os import PathLike
from pathlib import Path

import torch

import corruptions as corruption_engine
from ppbench.data.registry import meant
from ppbench.data.sets import open_data
from ppbench.data.source import DataSource
from ppbench.errors import unknown
from ppbench.evaluation.batch_size import BatchSize, first_batch_size
from ppbench.evaluation.cells import parse_corruptions, parse_severities, plan, title
from ppbench.evaluation.generator import Generator
from ppbench.evaluation.keys import Keys
from ppbench.evaluation.precision import check_precision
from ppbench.evaluation.runner import Runner
from ppbench.evaluation.store import CELLS, CellStore
from ppbench.evaluation.store import default_folder as default_store_folder
from ppbench.models.module import Contract
from ppbench.models.requests import Loading
from ppbench.reporting.provenance_line import TableContext
from ppbench.reporting.reference_rows import references_for
from ppbench.runs import provenance
from ppbench.runs.caller_warnings import at_the_caller
from ppbench.runs.description import describe_data, describe_model, generator_text
from ppbench.runs.engines import Task, place
from ppbench.runs.folder import Run, prepare, scored, write
from ppbench.runs.loading import Models, load_models
from ppbench.runs.manifest import CellCounts, Manifest
from ppbench.runs.model_notes import caveats, input_contracts
from ppbench.runs.normalising import not_finite, quality_notes, settle_divisor
from ppbench.runs.planned import Planned
from ppbench.runs.predictions import gather
from ppbench.runs.replacing import Measured, refuse_loss
from ppbench.runs.setups import Setups
from ppbench.runs.standing import Standing, Tally
from ppbench.setup.checking import Checker
from ppbench.setup.finding import SetupCheck
from ppbench.setup.kept import KeptChecks

OnBatch = Callable[[str, int, int], None]


def default_folder(data: str) -> Path:
    """Return the folder a run is written to where none is named: ``results/<time>-<data>``."""
    return Path("results") / f"{datetime.now():%Y%m%d-%H%M%S}-{data}"  # noqa: DTZ005  the user's own clock


def evaluate(
    models: Models,
    *,
    spec: Contract | None = None,
    data: str | None = None,
    root: str | PathLike[str] | None = None,
    classes: str | Path | Sequence[str] | None = None,
    source: str = "auto",
    corruptions: str | Iterable[str] = "benchmark",
    severities: str | int | Iterable[int] = "1-5",
    limit: int | None = None,
    seed: int = 0,
    generator: str = "ppbench",
    jpeg: bool = True,
    batch_size: int | None = None,
    device: str | torch.device | None = None,
    precision: str = "fp32",
    compiled: bool = False,
    engine: str = "local",
    ray_address: str | None = None,
    normaliser: str | PathLike[str] = "auto",
    baseline_model: str | None = None,
    loading: Loading | None = None,
    out: str | PathLike[str] | None = None,
    overwrite: bool = False,
    metrics: bool = False,
    reference: str | None = None,
    command: str | None = None,
    store: bool = True,
    fresh: bool = False,
    cache: str | PathLike[str] | None = None,
    on_batch: OnBatch = lambda _cell, _images, _total: None,
    on_standing: Callable[[Standing], None] = lambda _standing: None,
    on_warning: Callable[[str], None] | None = None,
    on_note: Callable[[str], None] = lambda _line: None,
    check: Callable[[Planned], None] = lambda _planned: None,
    check_setups: Callable[[Sequence[SetupCheck]], None] = lambda _checks: None,
) -> Run:
    """Evaluate models on clean and corrupted images, score them, and write the run where `out` says.

    Args:
        models: one or several, each a name as `--model` takes it (``"resnet20"``, ``"resnet20=my.pt"``,
            ``"timm:NAME"``), the path of a checkpoint, a model of `load_model` or `loaded`, or a `torch.nn.Module`. A
            module is copied: the caller's one keeps its device and its mode. A dictionary names them for the tables.
        spec: the input contract of the modules among them, one for all; `loaded` says in which forms.
        data: a data set's name, e.g. ``"cifar10-c"``; None is the embedded ``digits-c``, and with a `root` refused.
        root: a published -C folder, a clean data set, or an ``.npz``; None looks in the usual places.
        classes: which class folder has which label: ``"text"``, ``"numbers"``, a file or a list of the folders' names,
            label 0 first; see `open_data`.
        source: ``"auto"``, ``"published"`` or ``"generated"``.
        corruptions: the selection; see `parse_corruptions`.
        severities: the selection, ``"1-5"``, ``3`` or ``[1, 3, 5]``; see `parse_severities`.
        limit: evaluate a stratified subset of so many images, fixed by `seed`; None takes all.
        seed: seed of the generated corruptions and of the subset; 0 or more.
        generator: ``"ppbench"``, or ``"imagecorruptions"`` for comparison.
        jpeg: put generated images through the JPEG step that the published files of their protocol have had.
        batch_size: images per forward pass; None takes what suits the device. Halved where the memory is too small.
        device: a torch device; None or ``"auto"`` takes the best one here.
        precision: of the networks' arithmetic: ``"fp32"``, or for speed, with other numbers, ``"bf16"`` or ``"fp16"``.
        compiled: have torch compile the networks.
        engine: ``"local"``, or ``"ray"`` for a cluster.
        ray_address: of the cluster; None starts one of this machine.
        normaliser: ``"auto"``, ``"measured"``, ``"none"``, a shipped table's name, or a file.
        baseline_model: the model of this run that R_net compares with.
        loading: how checkpoints are read and what their input is; None takes what they say themselves.
        out: the run's folder; None writes nothing.
        overwrite: replace the run that is in this folder even if it has what this one has not.
        metrics: show top-5 error, calibration and severity slopes in table.md; scores.json has them always.
        reference: a data set whose published results the tables show below their own; it must be the run's.
        command: the command line that asked for the run, for run.json; None from Python.
        store: keep finished cells in the store, and take them from it; a run that was interrupted goes on where it was.
        fresh: make every cell again, whatever the store has.
        cache: the folder of the store and of decoded images; None takes ``$PPBENCH_CACHE`` or the user's cache folder.
        on_batch: called after each batch with the cell, its number of images, and the images of the whole run.
        on_standing: called after each finished cell with the scores so far.
        on_warning: called with one line about a set-up that looks wrong, or about what went wrong without harm; None
            makes each an `EvaluationWarning`.
        on_note: called with one line about each network's input, what was inferred or assumed, or passed over among
            the images.
        check: called with what the run will measure, before the work; what it raises ends the run.
        check_setups: called with what was found of the models on a few images; what it raises ends the run.

    Raises:
        InputError: bad input; nothing has been written then.
    """
    on_warning = at_the_caller() if on_warning is None else on_warning
    root, out, cache = (None if path is None else Path(path).expanduser() for path in (root, out, cache))
    cells_wanted = parse_corruptions(corruptions, corruption_engine.plugins), parse_severities(severities)
    maker = Generator(generator, seed, jpeg)
    check_precision(precision)
    batch = None if batch_size is None else BatchSize(batch_size)
    images = open_data(
        meant(data, root),
        root=root,
        source=source,
        corruptions=cells_wanted[0],
        severities=cells_wanted[1],
        limit=limit,
        seed=seed,
        classes=classes,
    )
    for note in images.notes:
        on_note(note)
    maker.check(cells_wanted[0])
    published = () if reference is None else references_for(reference, images.name)
    found = load_models(models, images, loading or Loading(), on_note, spec)
    loaded = found.models
    names = [model.name for model in loaded]
    if baseline_model is not None and baseline_model not in names:
        raise unknown("baseline model", baseline_model, names)
    divide_by = settle_divisor(os.fspath(normaliser), loaded, images)
    names_of_cells = plan(*cells_wanted, clean=images.clean is not None)
    about_data = describe_data(
        images,
        [(cell.corruption, cell.severity) for cell in names_of_cells],
        generator=maker,
        limit=limit,
        root=root,
    )
    check(Planned(about_data, precision, tuple(names), divide_by.model))
    about_models = [describe_model(each, unchanged=each.name in found.unchanged) for each in loaded]
    measured = Measured(about_data, precision, about_models)
    if out is not None and not overwrite and refuse_loss(out, measured):
        on_note(f"{out}: the run in this folder will be replaced when this one is finished")
    with _folder(out), place(engine, ray_address, None if device is None else str(device)) as where:
        batch = batch or BatchSize(first_batch_size(where.device, images.image_size))
        started, clock = datetime.now(UTC), time.perf_counter()
        total = len(names_of_cells) * len(images.ids)
        cells = _store(cache) if store else None
        keys = Keys(loaded, found.unchanged, images, maker, where.device, precision, compiled=compiled)
        setups = Setups(
            loaded,
            Checker(
                images,
                names_of_cells[0],
                where.here,
                precision,
                batch.first,
                cells=len(names_of_cells),
                unchanged=found.unchanged,
            ),
            None if cells is None else KeptChecks(cells),
            keys,
            fresh=fresh,
        )
        check_setups(setups.checks)
        loaded, keys = setups.models, keys.of(setups.models, found.unchanged & setups.repeatable)
        for model in loaded:
            if store and model.name in setups.repeatable and not keys.knows(model.name):
                on_note(
                    f"{model.name}: its results are not kept for the next run: Python code may change between two"
                )
        runner = Runner(
            where.engine(
                Task(
                    images=images,
                    models=loaded,
                    unchanged=found.unchanged,
                    names=cells_wanted[0],
                    generator=maker,
                    batch=batch,
                    precision=precision,
                    compiled=compiled,
                    cache=cache,
                )
            ),
            names,
            cells,
            keys,
            fresh=fresh,
            on_warning=on_warning,
            on_batch=lambda cell, count: on_batch(title(cell), count, total),
            on_answers=Tally(names, len(names_of_cells), images.labels, divide_by, on_standing).add,
        )
        for line in input_contracts(loaded):  # after what can be refused before the work: that is one line
            on_note(line)
        # The clean cell first, by itself: a wrong set-up shows there, before hours of corruptions.
        answers = runner.run(names_of_cells[:1], len(images.ids))
        setups.finish(answers)
        for line in setups.warnings:
            on_warning(line)
        if setups.all_well is not None:
            on_note(setups.all_well)
        answers |= runner.run(names_of_cells[1:], len(images.ids))
        predictions = gather(answers, names, names_of_cells, images.ids, images.labels)
        for line in not_finite(predictions):
            on_warning(line)
        tables = predictions.tables()
        divisor = divide_by.normaliser(tables)
        context = TableContext(
            data=images.name,
            source=images.origin,
            protocol=images.protocol,
            images=len(images.ids),
            seed=_seed(images, seed, limit),
            generator=_generator(images, maker),
            precision=precision,
            notes=(
                *divide_by.notes,
                *quality_notes(images, predictions, generator=maker, limit=limit),
                *caveats(loaded),
                *setups.notes,
            ),
        )
        run = Run(
            manifest=Manifest(
                command=command,
                started=started.isoformat(timespec="seconds"),
                seconds=round(time.perf_counter() - clock, 3),
                versions=provenance.versions(),
                git=provenance.git_revision(Path.cwd()),
                device=where.facts(),
                precision=precision,
                compiled=compiled,
                batch_size=batch.images,
                cells=CellCounts(from_store=runner.taken, evaluated=len(answers) - runner.taken),
                models=setups.described(about_models),
                data=about_data,
                normaliser=divisor,
                normaliser_notes=divide_by.notes,
                context=context,
                baseline_model=baseline_model,
            ),
            tables=tables,
            scores=scored(predictions, divisor, baseline_model),
            context=context,
            predictions=predictions,
            folder=out,
            references=published,
        )
        if out is not None:
            write(run, out, metrics=metrics)
    return run


def _seed(images: DataSource, seed: int, limit: int | None) -> int | None:
    """Return the seed that a table names: of the corruptions, or, of published files, of the subset."""
    if images.made is not None:
        return images.made.seed
    return None if images.source == "published" and limit is None else seed


def _generator(images: DataSource, maker: Generator) -> str | None:
    if images.made is not None:
        return images.made.by
    return None if images.source == "published" else generator_text(maker)


def _store(cache: Path | None) -> CellStore:
    store = CellStore(default_store_folder() if cache is None else cache / CELLS)
    store.prepare()
    return store


@contextmanager
def _folder(out: Path | None) -> Iterator[None]:
    """Prove that the run's folder can be written to, and leave none behind when the run fails before its first file.

    That goes for the folders above it, too, that were made for it.
    """
    if out is None:
        yield
        return
    created = [folder for folder in (out, *out.parents) if not folder.exists()]
    prepare(out)
    try:
        yield
    except BaseException:
        for folder in created:
            if any(folder.iterdir()):
                break
            folder.rmdir()
        raise
