"""The front door: from names to a scored, written run. The command line and Python callers enter here."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from os import PathLike
from pathlib import Path

import torch

from ppbench.data.source import DataSource
from ppbench.evaluation.generator import Generator
from ppbench.models.module import Contract
from ppbench.models.requests import Loading
from ppbench.reporting.provenance_line import TableContext
from ppbench.runs.caller_warnings import at_the_caller
from ppbench.runs.config import EvaluationConfig, JpegCodec
from ppbench.runs.description import generator_text, git_revision, versions
from ppbench.runs.file_facts import in_brief, warning
from ppbench.runs.folder import Run, prepare, scored, write
from ppbench.runs.listeners import Listeners
from ppbench.runs.loading import Files, Models, with_files
from ppbench.runs.manifest import Manifest
from ppbench.runs.measurement import Measurement, measure
from ppbench.runs.notes import quality_notes
from ppbench.runs.output_wish import Outputs
from ppbench.runs.plan import Plan, settle
from ppbench.runs.replacing import refuse_loss
from ppbench.runs.standing import Standing

OnBatch = Callable[[str, int, int], None]


def evaluate(
    models: Models | None = None,
    *,
    checkpoint: Files | None = None,
    spec: Contract | None = None,
    data: str | None = None,
    root: str | PathLike[str] | None = None,
    classes: str | Path | Sequence[str] | None = None,
    outputs: Outputs | None = None,
    source: str = "auto",
    size: str | None = None,
    protocol: str | None = None,
    corruptions: str | Iterable[str] = "benchmark",
    severities: str | int | Iterable[int] = "1-5",
    limit: int | None = None,
    seed: int = 0,
    generator: str = "ppbench",
    jpeg: bool = True,
    jpeg_codec: JpegCodec | None = None,
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
    store: bool = True,
    fresh: bool = False,
    cache: str | PathLike[str] | None = None,
    on_batch: OnBatch = lambda _cell, _images, _total: None,
    on_standing: Callable[[Standing], None] = lambda _standing: None,
    on_warning: Callable[[str], None] | None = None,
    on_note: Callable[[str], None] = lambda _line: None,
) -> Run:
    """Evaluate models on clean and corrupted images, score them, and write the run where `out` says.

    Args:
        models: one or several, each a name as `--model` takes it (``"resnet20"``, ``"resnet20=my.pt"``,
            ``"timm:NAME"``), the path of a checkpoint, a model of `load_model` or `loaded`, or a `torch.nn.Module`. A
            module is copied: the caller's one keeps its device and its mode. A dictionary names them for the tables.
        checkpoint: files of weights for `models`, which are names then, paired as the command line pairs `--model` and
            `--checkpoint`; without `models` the networks are recognised.
        spec: the input contract of the modules among them, one for all; `loaded` says in which forms.
        data: a data set's name, e.g. ``"cifar10-c"``; None is the embedded ``digits-c``, and with a `root` refused.
        root: a published -C folder, a clean data set, or an ``.npz``; None looks in the usual places.
        classes: which class folder has which label: ``"text"``, ``"numbers"``, a file or a list of the folders' names,
            label 0 first; see `open_data`.
        outputs: which outputs of a network with more of them are the classes: ``"subset"`` (None means it) takes the
            best of the classes' outputs, ``"all"`` the best of all, and any other than the classes' is an error; a file
            or a list says which output is which class, ``"background-first"`` that output 0 is none. See docs/data.md.
        source: ``"auto"``, ``"published"`` or ``"generated"``.
        size: ``"own"``: the images of folder-c keep the size they have; None takes that of the protocol.
        protocol: whose constants, at that size; None takes those of the nearest size.
        corruptions: the selection; see `parse_corruptions`.
        severities: the selection, ``"1-5"``, ``3`` or ``[1, 3, 5]``; see `parse_severities`.
        limit: evaluate a stratified subset of so many images, fixed by `seed`; None takes all.
        seed: seed of the generated corruptions and of the subset; 0 or more.
        generator: ``"ppbench"``, or ``"imagecorruptions"`` for comparison.
        jpeg: put generated images through the JPEG step that the published files of their protocol have had.
        jpeg_codec: whose JPEG that step and jpeg_compression are: ``"ijg9"`` (None means it), IJG's libjpeg 9 as the
            authors had it, or ``"turbo"``, libjpeg-turbo. Published files are what they are: there it is refused.
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
        store: keep finished cells in the store, and take them from it; a run that was interrupted goes on where it was.
        fresh: make every cell again, whatever the store has.
        cache: the folder of the store and of decoded images; None takes ``$PPBENCH_CACHE`` or the user's cache folder.
        on_batch: called after each batch with the cell, its number of images, and the images of the whole run.
        on_standing: called after each finished cell with the scores so far.
        on_warning: called with one line about a set-up that looks wrong, or about what went wrong without harm; None
            makes each an `EvaluationWarning`.
        on_note: called with one line about each network's input, what was inferred or assumed, or passed over among
            the images.

    Raises:
        InputError: bad input; nothing has been written then.
    """
    config = EvaluationConfig(
        data=data,
        root=root,
        classes=classes,
        outputs=outputs,
        source=source,
        size=size,
        protocol=protocol,
        limit=limit,
        corruptions=corruptions,
        severities=severities,
        seed=seed,
        generator=generator,
        jpeg=jpeg,
        jpeg_codec=jpeg_codec,
        loading=loading or Loading(),
        batch_size=batch_size,
        device=device,
        precision=precision,
        compiled=compiled,
        engine=engine,
        ray_address=ray_address,
        store=store,
        fresh=fresh,
        cache=cache,
        normaliser=normaliser,
        baseline_model=baseline_model,
        out=out,
        overwrite=overwrite,
        metrics=metrics,
        reference=reference,
    )
    listeners = Listeners(
        warning=at_the_caller() if on_warning is None else on_warning,
        batch=on_batch,
        standing=on_standing,
        note=on_note,
    )
    return run(with_files(models, checkpoint), config, listeners, spec)


def run(models: Models, config: EvaluationConfig, listeners: Listeners, spec: Contract | None = None) -> Run:
    """Evaluate models as a configuration says: plan, measure, score, write.

    Args:
        models: what to evaluate, see `evaluate`.
        config: how.
        listeners: who is told what happens.
        spec: the input contract of the modules among the models.

    Raises:
        InputError: bad input; nothing has been written then.
    """
    out = config.path("out")
    plan = settle(models, config, listeners.note, spec)
    listeners.check(plan)
    if out is not None and not config.overwrite and refuse_loss(out, plan):
        listeners.note(f"{out}: the run in this folder will be replaced when this one is finished")
    with _folder(out):
        if (line := warning(plan.data.files, plan.images)) is not None:
            listeners.warning(line)
        made = _finished(plan, measure(plan, config, listeners), config)
        if out is not None:
            write(made, out, metrics=config.metrics)
    return made


def _finished(plan: Plan, measurement: Measurement, config: EvaluationConfig) -> Run:
    """Score what was measured, and say what it rests on."""
    predictions, images = measurement.predictions, plan.images
    tables = predictions.tables()
    normaliser = plan.divisor.normaliser(tables)
    context = TableContext(
        data=images.name,
        source=images.origin,
        protocol=images.protocol,
        images=len(images.ids),
        seed=_seed(images, config.seed, config.limit),
        generator=_generator(images, plan.generator),
        precision=plan.precision,
        jpeg_codec=plan.data.jpeg_codec if images.made is None else images.made.jpeg_codec,
        files=in_brief(plan.data.files, images),
        notes=(
            *plan.divisor.notes,
            *quality_notes(images, predictions, generator=plan.generator, limit=config.limit),
            *measurement.notes,
        ),
    )
    manifest = Manifest(
        command=config.command,
        started=measurement.started.isoformat(timespec="seconds"),
        seconds=measurement.seconds,
        versions=versions(),
        git=git_revision(Path.cwd()),
        device=measurement.device,
        precision=plan.precision,
        compiled=config.compiled,
        batch_size=measurement.batch_size,
        cells=measurement.cells,
        models=measurement.models,
        data=plan.data,
        normaliser=normaliser,
        normaliser_notes=plan.divisor.notes,
        context=context,
        baseline_model=config.baseline_model,
    )
    return Run(
        manifest=manifest,
        tables=tables,
        scores=scored(predictions, normaliser, config.baseline_model),
        context=context,
        predictions=predictions,
        folder=config.path("out"),
        references=plan.references,
    )


def _seed(images: DataSource, seed: int, limit: int | None) -> int | None:
    """Return the seed that a table names: of the corruptions, or, of published files, of the subset."""
    if images.made is not None:
        return images.made.seed
    return None if images.source == "published" and limit is None else seed


def _generator(images: DataSource, maker: Generator) -> str | None:
    if images.made is not None:
        return images.made.by
    return None if images.source == "published" else generator_text(maker)


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
