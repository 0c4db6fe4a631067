"""Runs of any models under any names, made from a real one and written like it."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from ppbench.evaluation.answers import FIELDS, INVALID, Answers
from ppbench.runs.folder import Run, load_run, scored, write

HOSTILE = (
    '<script>alert("x")</script>',
    "a 'quoted' & \"double\" 100 % \\ {{ 7*7 }} $x^2$",
    "模型-ネットワーク-Сеть-é",
    "</title></svg><img src=x onerror=alert(1)>",
)
"""Names of models that a page must show and must not obey."""


def run_of(base: Run, names: tuple[str, ...], folder: Path) -> Run:
    """Write and read back a run of so many models: those of the base in turn, each with some answers put right."""
    kept = base.predictions
    rng = np.random.default_rng(0)
    source = [place % len(kept.models) for place in range(len(names))]
    fields = {name: getattr(kept.answers, name)[source].copy() for name in FIELDS}
    for place in range(len(kept.models), len(names)):
        right = rng.random(fields["predictions"][place].shape) < 0.1 * place / len(names)
        fields["predictions"][place][right] = np.broadcast_to(kept.labels, right.shape)[right]
    predictions = replace(kept, models=names, answers=Answers(**fields))
    models = tuple(
        replace(base.manifest.models[at], name=name) for at, name in zip(source, names, strict=True)
    )
    return _written(base, predictions, {"models": models, "baseline_model": names[0]}, folder)


def broken(base: Run, folder: Path) -> Run:
    """Write and read back a run whose last model gave outputs that are not finite for a third of all images."""
    answers = {name: getattr(base.predictions.answers, name).copy() for name in FIELDS}
    for name, value in (
        ("predictions", INVALID),
        ("confidences", 0.0),
        ("nll", np.inf),
        ("brier", 2.0),
        ("in_top5", False),
    ):
        answers[name][-1, :, ::3] = value
    return _written(base, replace(base.predictions, answers=Answers(**answers)), {}, folder)


def part(base: Run, cells: list[tuple[str, int]], folder: Path) -> Run:
    """Write and read back a run of some of the cells."""
    rows = [base.predictions.cells.index(cell) for cell in cells]
    answers = {name: getattr(base.predictions.answers, name)[:, rows] for name in FIELDS}
    predictions = replace(base.predictions, cells=tuple(cells), answers=Answers(**answers))
    return _written(base, predictions, {}, folder)


def _written(base: Run, predictions, changes, folder: Path) -> Run:
    manifest = replace(base.manifest, **changes)
    made = Run(
        manifest=manifest,
        tables=predictions.tables(),
        scores=scored(predictions, base.scores.normaliser, manifest.baseline_model),
        context=base.context,
        predictions=predictions,
        folder=folder,
    )
    folder.mkdir(parents=True)
    write(made, folder)
    return load_run(folder)
