"""A finished run: what it holds in memory, and the folder of files that it becomes."""

import json
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ppbench import atomic
from ppbench.errors import InputError
from ppbench.reporting import markdown, scores_json
from ppbench.reporting.provenance_line import TableContext
from ppbench.scoring.errors_table import ErrorTable, write_errors_csv
from ppbench.scoring.scorecard import Scores

SCHEMA_VERSION = 1


@dataclass(frozen=True)
class Predictions:
    """Every answer of a run.

    Attributes:
        models: names, M of them.
        cells: (corruption, severity), K of them; the clean row is ``("clean", 0)``.
        ids: int64 (N,), each image's place in the full set.
        labels: int64 (N,).
        classes: int32 (M, K, N), the predicted class; -1 where the network's output was not finite.
    """

    models: tuple[str, ...]
    cells: tuple[tuple[str, int], ...]
    ids: npt.NDArray[np.int64]
    labels: npt.NDArray[np.int64]
    classes: npt.NDArray[np.int32]


@dataclass(frozen=True)
class Run:
    """An evaluation with its scores: `manifest` is the content of run.json."""

    manifest: dict[str, Any]
    tables: tuple[ErrorTable, ...]
    scores: Scores
    context: TableContext
    predictions: Predictions
    folder: Path | None = None


def prepare(folder: Path) -> None:
    """Make a run's folder and prove that it can be written to, before hours of work depend on it.

    Raises:
        InputError: the folder cannot be made or written to.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise InputError(
            f"expected a folder that can be written to, got {str(folder)!r}: {(error.strerror or str(error)).lower()}; "
            "choose another with --out"
        ) from error


def write(run: Run, folder: Path) -> None:
    """Write a run's files; run.json goes first and comes last, so that a folder with it is whole."""
    (folder / "run.json").unlink(missing_ok=True)
    with atomic.writing(folder / "predictions.npz") as file:
        _write_predictions(run.predictions, file)
    write_errors_csv(folder / "errors.csv", run.tables)
    atomic.write_text(folder / "scores.json", scores_json.render(run.scores, run.context))
    atomic.write_text(folder / "table.md", markdown.render(run.scores, run.context))
    manifest = json.dumps(run.manifest, indent=2, allow_nan=False, ensure_ascii=False)
    atomic.write_text(folder / "run.json", manifest + "\n")


def _write_predictions(predictions: Predictions, file: Any) -> None:
    np.savez_compressed(
        file,
        models=np.array(predictions.models),
        corruptions=np.array([corruption for corruption, _ in predictions.cells]),
        severities=np.array([severity for _, severity in predictions.cells], np.int8),
        ids=predictions.ids,
        labels=predictions.labels,
        classes=predictions.classes.astype(np.int16 if _fits(predictions.classes) else np.int32),
    )


def _fits(classes: npt.NDArray[np.int32]) -> bool:
    return classes.size == 0 or int(classes.max()) <= np.iinfo(np.int16).max


def tables_of(predictions: Predictions) -> tuple[ErrorTable, ...]:
    """Return the errors of every model, counted from its answers."""
    wrong = (predictions.classes != predictions.labels).sum(axis=2)
    count = len(predictions.labels)
    return tuple(
        ErrorTable.from_counts(
            model, {cell: (count, int(wrong[m, k])) for k, cell in enumerate(predictions.cells)}
        )
        for m, model in enumerate(predictions.models)
    )
