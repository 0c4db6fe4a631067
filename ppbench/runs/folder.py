"""A finished run: what it holds in memory, and the folder of files that it becomes."""

from dataclasses import dataclass
from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

from ppbench import atomic
from ppbench.errors import InputError
from ppbench.reporting import (
    bibliography,
    html_table,
    latex,
    markdown,
    metrics_table,
    score_tables,
    scores_json,
)
from ppbench.reporting.provenance_line import TableContext
from ppbench.runs import frames
from ppbench.runs import manifest as manifest_file
from ppbench.runs import predictions as prediction_file
from ppbench.runs.manifest import Manifest, read_manifest
from ppbench.runs.predictions import Predictions, metrics_of
from ppbench.scoring.errors_table import ErrorTable, read_errors_csv, write_errors_csv
from ppbench.scoring.headlines import MCE, MEAN_ERROR
from ppbench.scoring.metrics import ModelMetrics
from ppbench.scoring.normaliser import Normaliser, with_images
from ppbench.scoring.references import Reference
from ppbench.scoring.resampled_scores import intervals_of, leaders_of, resampled_scores
from ppbench.scoring.scorecard import Scores
from ppbench.scoring.scores import score
from ppbench.spelling import spelled

if TYPE_CHECKING:
    import pandas as pd

REPORT = "report.html"

FILES = (
    manifest_file.FILE,
    prediction_file.FILE,
    "errors.csv",
    "scores.json",
    "table.md",
    "table.tex",
    bibliography.FILE,
    REPORT,
)
"""What a run's folder holds; a folder that holds anything else, and no run, is somebody's own."""


@dataclass(frozen=True, repr=False)
class Run:
    """An evaluation with its scores: what `ppbench.evaluate` and `ppbench.load_run` return.

    All errors and scores are per cent (7.40 means 7.40 %); lower is better, but a higher R_net. In a notebook a run
    shows its tables. As pandas tables it has `errors` (a row per model and cell), `summary` (a row per model) and
    `answers` (a row per image); `metrics` is what is beyond right and wrong.

    Attributes:
        manifest: what run.json holds: what the run rests on, as a `Manifest`.
        tables: one `ErrorTable` per model: ``table.clean`` and ``table.cells["fog", 3]``, each with ``n`` (images),
            ``errors`` (how many were wrong) and ``error`` (per cent); ``table.errors_of("fog")`` is severity -> error.
        scores: what they come to: ``scores["resnet20"]`` is the `ModelScores` of a model, with ``clean_error``,
            ``mean_error``, ``mce``, ``relative_mce``, ``r_net`` (per cent; None where it cannot be known, ``notes``
            says why), ``row("fog")`` for one corruption, and ``intervals`` (95 %, by the names of ``by_name``). Also
            ``scores.models``, ``scores.normaliser`` and ``scores.baseline``.
        context: what stands below every table: data, source, protocol, images, seed, precision, notes.
        predictions: every answer as NumPy arrays, with the images' ``ids`` and ``labels``.
        folder: where the run is written; None for one that is not.
        references: published results that its tables show below its own.
    """

    manifest: Manifest
    tables: tuple[ErrorTable, ...]
    scores: Scores
    context: TableContext
    predictions: Predictions
    folder: Path | None = None
    references: tuple[Reference, ...] = ()

    def __repr__(self) -> str:
        """Return the run in a line: hundreds of thousands of answers help nobody at a prompt."""
        mean, mce = (each.titled(partial=self.scores.misses_cells) for each in (MEAN_ERROR, MCE))
        told = [
            f"{model.model}: {mean} {model.mean_error:.2f}"
            + ("" if model.mce is None else f", {mce} {model.mce:.1f}")
            for model in self.scores.models
            if model.mean_error is not None
        ]
        return f"<Run of {self.context.images} images of {self.context.data}; {'; '.join(told)}>"

    def _repr_html_(self) -> str:
        """Return the run's tables as HTML: what a notebook shows."""
        return html_table.fragment(score_tables.document(self.scores, self.context, self.references))

    @cached_property
    def metrics(self) -> tuple[ModelMetrics, ...]:
        """What is beyond right and wrong, a `ModelMetrics` per model in the order of `scores.models`.

        Each has ``model``, ``slope`` (points of error per severity, a mean over corruptions), and ``cells``:
        (corruption, severity) -> `CellMetrics` with ``top5_error`` (per cent; None with at most 10 classes) and
        ``calibration``: ``nll`` (nats), ``brier`` (0..2), ``ece_width`` and ``ece_mass`` (per cent).
        """
        return metrics_of(self.predictions, self.scores, self.manifest.data.num_classes)

    @property
    def architectures(self) -> dict[str, str]:
        """Model -> its network."""
        return {model.name: model.architecture for model in self.manifest.models}

    @cached_property
    def errors(self) -> "pd.DataFrame":
        """A row per model and cell, the clean images as corruption ``clean`` at severity 0.

        Columns: ``model``, ``corruption``, ``group`` (noise, blur, weather, digital, extra, plug-in, other),
        ``severity``, ``n`` (images), ``errors`` (how many were wrong), ``error``, ``ci_low``, ``ci_high`` (per cent;
        95 % interval), and what the row rests on (data, source, seed, …); see `frames.errors_frame`.
        """
        return frames.errors_frame(self.tables, self.manifest)

    @cached_property
    def summary(self) -> "pd.DataFrame":
        """A row per model, indexed by its name; scores in per cent, NaN where one cannot be known.

        Columns: ``clean``, ``mean_error``, ``mce``, ``relative_mce``, ``r_net``, ``error.fog``, ``ce.fog``, … and the
        bounds of their 95 % intervals as ``mce_low``, ``mce_high``, …; see `frames.summary_frame`.
        """
        return frames.summary_frame(self.scores)

    @cached_property
    def answers(self) -> "pd.DataFrame":
        """A row per model, cell and image.

        Columns: ``model``, ``corruption``, ``severity``, ``id`` (the image's place in the full set), ``label``,
        ``prediction``, ``correct``, ``confidence`` (0..1), ``nll`` (nats), ``brier`` (0..2), ``in_top5``; see
        `frames.answers_frame`.
        """
        return frames.answers_frame(self.predictions)


def prepare(folder: Path) -> None:
    """Make a run's folder and prove that it can be written to, before hours of work depend on it.

    Raises:
        InputError: the folder cannot be made or written to.
    """
    if folder.is_dir() and not (folder / manifest_file.FILE).exists():
        strangers = sorted(
            path.name for path in folder.iterdir() if path.name not in FILES and path.suffix != ".part"
        )
        if strangers:
            raise InputError(
                f"{folder}: holds {strangers[0]!r}, which is no part of a run: choose another --out"
            )
    atomic.require_folder(folder, "choose another with --out")


def write(run: Run, folder: Path, *, metrics: bool = False) -> None:
    """Write a run's files; run.json goes first and comes last, so that a folder with it is whole.

    Args:
        run: what to write.
        folder: where to.
        metrics: whether table.md shows what is beyond errors; scores.json has it always.
    """
    (folder / manifest_file.FILE).unlink(missing_ok=True)
    (folder / REPORT).unlink(missing_ok=True)  # of an earlier run here; it is written by whoever wants one
    prediction_file.write(run.predictions, folder)
    write_errors_csv(folder / "errors.csv", run.tables)
    atomic.write_text(
        folder / "scores.json", scores_json.render(run.scores, run.context, run.metrics, run.references)
    )
    tables = score_tables.document(run.scores, run.context, run.references)
    beyond = [metrics_table.document(run.metrics)] if metrics else []
    atomic.write_text(folder / "table.md", markdown.render(tables, *beyond))
    atomic.write_text(folder / "table.tex", latex.render(tables))
    cited = bibliography.cited(run.scores, run.context, run.references, run.architectures)
    atomic.write_text(folder / bibliography.FILE, bibliography.bibtex(cited))
    atomic.write_text(folder / manifest_file.FILE, run.manifest.to_json() + "\n")


def scored(
    predictions: Predictions, normaliser: Normaliser | None, baseline: str | None, *, intervals: bool = True
) -> Scores:
    """Return the scores of every model, with their intervals over images unless those are not wanted."""
    scores = score(predictions.tables(), normaliser, baseline=baseline)
    if not intervals:
        return scores
    outcomes = predictions.outcomes()
    values = resampled_scores(outcomes, scores)
    return scores.with_intervals(intervals_of(values, outcomes), leaders_of(values, outcomes, scores))


def load_run(folder: str | PathLike[str], *, intervals: bool = True) -> Run:
    """Read a run back from its folder; its scores are computed again from its answers.

    Args:
        folder: of the run.
        intervals: compute the scores' intervals, too; with 10,000 images that takes seconds.

    Raises:
        InputError: there is no whole run, its files contradict each other, or another version wrote them.
    """
    folder = Path(folder).expanduser()
    path = folder / manifest_file.FILE
    manifest = read_manifest(folder)
    divisor, baseline = manifest.normaliser, manifest.baseline_model
    predictions = prediction_file.read(folder)
    for name in (baseline, None if divisor is None else divisor.model):
        if name is not None and name not in predictions.models:
            raise InputError(
                f"{path}: expected the answers of {name} in {prediction_file.FILE}, got those of "
                f"{', '.join(predictions.models)}"
            )
    _require_same(manifest, predictions, path)
    if divisor is not None:
        divisor = with_images(divisor, len(predictions.ids))
    tables = predictions.tables()
    if tuple(read_errors_csv(folder / "errors.csv")) != tables:
        raise InputError(
            f"{folder}: errors.csv and predictions.npz do not agree, so one was changed: evaluate again"
        )
    scores = scored(predictions, divisor, baseline, intervals=intervals)
    return Run(manifest, tables, scores, manifest.context, predictions, folder)


def _require_same(manifest: Manifest, predictions: Predictions, path: Path) -> None:
    """Refuse a run.json of other models, in another order, or of another number of images than the answers.

    Raises:
        InputError: it is.
    """
    facts = (
        # As run.json has them: a name may hold what no file can.
        (
            "the models",
            ", ".join(model.name for model in manifest.models),
            ", ".join(map(spelled, predictions.models)),
        ),
        ("images:", manifest.data.images, len(predictions.ids)),
    )
    for what, said, found in facts:
        if said != found:
            raise InputError(
                f"{path}: expected {what} {found} of {prediction_file.FILE}, got {said}, so one was changed: evaluate "
                "again"
            )
