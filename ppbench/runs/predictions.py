"""Every answer of a run, image by image: the file they are kept in, and what is beyond right and wrong."""

import zipfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ppbench import atomic
from ppbench.errors import InputError
from ppbench.evaluation.answers import FIELDS, Answers
from ppbench.evaluation.cells import CellId
from ppbench.scoring.calibration import calibration
from ppbench.scoring.errors_table import ErrorTable
from ppbench.scoring.metrics import TOP5_CLASSES, CellMetrics, ModelMetrics, model_metrics
from ppbench.scoring.outcomes import Outcomes
from ppbench.scoring.scorecard import Scores

FILE = "predictions.npz"

_KINDS = {"predictions": "i", "in_top5": "b"}
"""NumPy's letter for the fields of `Answers` that are not floats."""

# What NumPy and zipfile raise, depending on which byte of an archive is wrong or whether it is one at all.
_DAMAGED = (
    OSError, ValueError, KeyError, TypeError, AttributeError, EOFError, RuntimeError, zipfile.BadZipFile, zlib.error,
)  # fmt: skip


@dataclass(frozen=True)
class Predictions:
    """The answers of M models on K cells of N images each.

    Attributes:
        models: names.
        cells: (corruption, severity); the clean row is ``("clean", 0)``.
        ids: int64 (N,), each image's place in the full set.
        labels: int64 (N,).
        answers: the fields of `Answers`, each (M, K, N).
    """

    models: tuple[str, ...]
    cells: tuple[tuple[str, int], ...]
    ids: npt.NDArray[np.int64]
    labels: npt.NDArray[np.int64]
    answers: Answers

    @property
    def wrong(self) -> npt.NDArray[np.bool_]:
        """Whether each answer is an error, bool (M, K, N)."""
        return np.asarray(self.answers.predictions != self.labels)

    def outcomes(self) -> tuple[Outcomes, ...]:
        """Return right or wrong, image by image, of every model: what intervals are made from."""
        return tuple(
            Outcomes(model, self.cells, wrong) for model, wrong in zip(self.models, self.wrong, strict=True)
        )

    def tables(self) -> tuple[ErrorTable, ...]:
        """Return the errors of every model, counted from its answers."""
        return tuple(outcomes.table for outcomes in self.outcomes())


def collected(
    answers: Mapping[tuple[str, CellId], Answers],
    models: Sequence[str],
    cells: Sequence[CellId],
    ids: npt.NDArray[np.int64],
    labels: npt.NDArray[np.int64],
) -> Predictions:
    """Return the answers of a run as arrays."""
    stacked = {
        field: np.stack(
            [np.stack([getattr(answers[model, cell], field) for cell in cells]) for model in models]
        )
        for field in FIELDS
    }
    names = tuple((cell.corruption, cell.severity) for cell in cells)
    return Predictions(tuple(models), names, ids, labels, Answers(**stacked))


def write(predictions: Predictions, folder: Path) -> None:
    """Write predictions.npz, without timestamps: equal answers, equal bytes."""
    with atomic.writing(folder / FILE) as file:
        np.savez_compressed(
            file,
            models=np.array(predictions.models),
            corruptions=np.array([corruption for corruption, _ in predictions.cells]),
            severities=np.array([severity for _, severity in predictions.cells], np.int8),
            ids=predictions.ids,
            labels=predictions.labels,
            **{field: getattr(predictions.answers, field) for field in FIELDS},
        )


def read(folder: Path) -> Predictions:
    """Read predictions.npz.

    Raises:
        InputError: the file is missing or damaged.
    """
    path = folder / FILE
    try:
        with np.load(path, allow_pickle=False) as arrays:
            found = Predictions(
                tuple(arrays["models"].tolist()),
                tuple(zip(arrays["corruptions"].tolist(), arrays["severities"].tolist(), strict=True)),
                arrays["ids"],
                arrays["labels"],
                Answers(**{field: arrays[field] for field in FIELDS}),
            )
        _check(found)
    except FileNotFoundError:
        raise InputError(f"{path}: no such file: evaluate again; finished cells are kept") from None
    except _DAMAGED as error:
        raise InputError(f"{path}: damaged file ({error}): evaluate again; finished cells are kept") from None
    return found


def _check(found: Predictions) -> None:
    """Refuse arrays that do not belong together or are of another kind than `write` wrote."""
    shape = (len(found.models), len(found.cells), *found.ids.shape)
    if len(shape) != 3 or 0 in shape:
        raise ValueError(f"expected models, cells and ids, got {shape} of them")
    for name in ("ids", "labels", *FIELDS):
        array = getattr(found.answers if name in FIELDS else found, name)
        whole, kind = (shape, _KINDS.get(name, "f")) if name in FIELDS else (found.ids.shape, "i")
        if array.shape != whole or array.dtype.kind != kind:
            raise ValueError(
                f"expected {name} of kind {kind!r} and shape {whole}, got {array.dtype} {array.shape}"
            )


def metrics_of(predictions: Predictions, scores: Scores, num_classes: int) -> tuple[ModelMetrics, ...]:
    """Return top-5 error and calibration of every model on every cell.

    Args:
        predictions: of the run.
        scores: of the same run, in the same order of models.
        num_classes: of the data; top-5 errors are left out where they say nothing.
    """
    answers, wrong = predictions.answers, predictions.wrong
    found = []
    for m, model in enumerate(predictions.models):
        cells = {}
        for k, cell in enumerate(predictions.cells):
            kept = answers.nll[m, k], answers.brier[m, k], answers.confidences[m, k], ~wrong[m, k]
            top5 = 100.0 * float(np.mean(~answers.in_top5[m, k])) if num_classes > TOP5_CLASSES else None
            cells[cell] = CellMetrics(calibration(*kept), top5)
        found.append(model_metrics(scores[model], cells))
    return tuple(found)
