"""A finished run, scored once more: by another normaliser, against another baseline, with or without intervals."""

from dataclasses import replace
from pathlib import Path

from ppbench.runs.folder import Run, load_run, scored
from ppbench.runs.normalising import mismatch_notes
from ppbench.scoring.normaliser import Normaliser, choose_normaliser
from ppbench.scoring.scores import score


def rescore(
    folder: Path, *, normaliser: str | None = None, baseline: str | None = None, intervals: bool = True
) -> Run:
    """Read a run and score it; what is not asked for stays as it was.

    Args:
        folder: of the run.
        normaliser: what CE divides by, as `choose_normaliser` takes it; None: what the run was divided by.
        baseline: the model that R_net compares with; None: that of the run, if it had one.
        intervals: whether the scores get their intervals over images.

    Raises:
        InputError: no such run, normaliser or model.
    """
    run = load_run(folder, intervals=intervals and normaliser is None and baseline is None)
    if normaliser is None and baseline is None:
        return run
    divisor, context = run.scores.normaliser, run.context
    if normaliser is not None:
        divisor = choose_normaliser(normaliser, run.tables, run.architectures)
        context = replace(context, notes=(*_notes(run, divisor), *_other_notes(run)))
    compared = baseline or run.scores.baseline
    score(run.tables, divisor, baseline=compared)  # a wrong name is found before seconds of resampling
    scores = scored(run.predictions, divisor, compared, intervals=intervals)
    return replace(run, scores=scores, context=context)


def _notes(run: Run, divisor: Normaliser | None) -> tuple[str, ...]:
    if divisor is None:
        return ()
    return mismatch_notes(divisor, run.manifest.data.name, run.context.source)


def _other_notes(run: Run) -> list[str]:
    """Return the run's notes but those about the normaliser that it had."""
    old = run.manifest.normaliser_notes  # older versions did not keep them apart
    return [note for note in run.context.notes if note not in old]
