"""A run as pandas tables in long form: what `ppbench export` writes and `Run` hands out."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ppbench.runs.manifest import Manifest, ModelFacts
from ppbench.runs.predictions import Predictions
from ppbench.scoring.cell import Cell
from ppbench.scoring.errors_table import ErrorTable
from ppbench.scoring.names import CLEAN, GROUPS, OTHER, PLUGIN
from ppbench.scoring.outcomes import CLEAN_CELL
from ppbench.scoring.scorecard import Scores

if TYPE_CHECKING:
    import pandas as pd

PROVENANCE = (
    "architecture", "checkpoint_sha256", "outputs", "data", "source", "protocol", "digest", "images", "seed", "limit",
    "generator", "jpeg_quality", "jpeg_codec", "precision", "ppbench", "started",
)  # fmt: skip
"""The columns of `errors_frame` that say what a row rests on; with them, rows of several runs can be stacked."""


def errors_frame(tables: Sequence[ErrorTable], manifest: Manifest) -> "pd.DataFrame":
    """Return a row per model and cell, the clean images as ``clean`` at severity 0.

    Columns: ``model``, ``corruption``, ``group`` (noise, blur, weather, digital, extra, plug-in, other; empty for
    clean), ``severity`` (0..5), ``n`` and ``errors`` (whole numbers), ``error``, ``ci_low`` and ``ci_high`` (per cent;
    Wilson's 95 % interval), and those of `PROVENANCE`.

    Args:
        tables: the errors of each model.
        manifest: the run's.
    """
    import pandas as pd

    about = _about(manifest)
    networks = {model.name: model for model in manifest.models}
    rows = [
        {
            "model": table.model,
            "corruption": corruption,
            "group": _group(corruption),
            "severity": severity,
            **_counts(cell),
            "architecture": networks[table.model].architecture,
            "checkpoint_sha256": networks[table.model].checkpoint_sha256,
            "outputs": _outputs(networks[table.model]),
            **about,
        }
        for table in tables
        for (corruption, severity), cell in _cells(table)
    ]
    # Nullable: a run of published files has no seed and no generator, and a whole number must not become 0.0.
    whole = dict.fromkeys(("severity", "n", "errors", "images", "seed", "limit", "jpeg_quality"), "Int64")
    return pd.DataFrame(rows).astype(whole)


def summary_frame(scores: Scores) -> "pd.DataFrame":
    """Return a row per model, indexed by it: scores in per cent, missing ones as NaN.

    Columns are the names of `ModelScores.by_name` (``clean``, ``mean_error``, ``mce``, ``ce.fog``, …); where there are
    intervals, their bounds as ``<score>_low`` and ``<score>_high``.
    """
    import pandas as pd

    rows = {}
    for model in scores.models:
        bounds = {
            f"{name}{end}": value
            for name, ends in model.intervals.items()
            for end, value in zip(("_low", "_high"), ends, strict=True)
        }
        rows[model.model] = {**model.by_name, **bounds}
    return pd.DataFrame.from_dict(rows, orient="index", dtype="float64").rename_axis("model")


def answers_frame(predictions: Predictions) -> "pd.DataFrame":
    """Return a row per model, cell and image, in that order.

    Columns: ``model``, ``corruption``, ``severity``, ``id`` (the image's place in the full set), ``label``,
    ``prediction`` (-1 where the outputs were not finite; an output that is none of the classes is their number plus its
    index), ``correct``, ``confidence`` (0..1), ``nll`` (nats), ``brier`` (0..2), ``in_top5``.
    """
    import numpy as np
    import pandas as pd

    models, cells, images = len(predictions.models), len(predictions.cells), len(predictions.ids)
    answers = predictions.answers
    names = [corruption for corruption, _ in predictions.cells]
    kinds = list(dict.fromkeys(names))
    # Codes, not texts: a run over ImageNet has millions of rows, each with the same few names.
    codes = np.array([kinds.index(name) for name in names], np.int8)
    return pd.DataFrame(
        {
            "model": pd.Categorical.from_codes(
                np.repeat(np.arange(models), cells * images), pd.Index(predictions.models)
            ),
            "corruption": pd.Categorical.from_codes(
                np.tile(np.repeat(codes, images), models), pd.Index(kinds)
            ),
            "severity": np.tile(np.repeat([s for _, s in predictions.cells], images), models).astype(np.int8),
            "id": np.tile(predictions.ids, models * cells),
            "label": np.tile(predictions.labels, models * cells),
            "prediction": answers.predictions.ravel(),
            "correct": ~predictions.wrong.ravel(),
            "confidence": answers.confidences.ravel(),
            "nll": answers.nll.ravel(),
            "brier": answers.brier.ravel(),
            "in_top5": answers.in_top5.ravel(),
        }
    )


def _cells(table: ErrorTable) -> list[tuple[tuple[str, int], Cell]]:
    return [*([(CLEAN_CELL, table.clean)] if table.clean else []), *table.cells.items()]


def _counts(cell: Cell) -> dict[str, int | float | None]:
    low, high = cell.interval or (None, None)
    return {"n": cell.n, "errors": cell.errors, "error": cell.error, "ci_low": low, "ci_high": high}


def _group(corruption: str) -> str:
    if corruption == CLEAN:
        return ""
    if corruption.startswith(PLUGIN):
        return "plug-in"
    if corruption.startswith(OTHER):
        return "other"
    return next((title for title, names in GROUPS.items() if corruption in names), "extra")


def _outputs(model: ModelFacts) -> str:
    """Return which outputs an answer was chosen among: ``100 of 1000``, ``all 1000``; each a class, ``1000``."""
    return str(model.num_classes if model.outputs is None else model.outputs)


def _about(manifest: Manifest) -> dict[str, Any]:
    data, context = manifest.data, manifest.context
    return {
        "data": data.name,
        # As the tables have it: a folder that was generated is read like a published one, and is none.
        "source": context.source,
        "protocol": data.protocol,
        "digest": data.digest,
        "images": data.images,
        "seed": context.seed,
        "limit": data.limit,
        "generator": context.generator,
        "jpeg_quality": data.jpeg_quality,
        "jpeg_codec": context.jpeg_codec,
        "precision": manifest.precision,
        "ppbench": manifest.versions["ppbench"],
        "started": manifest.started,
    }
