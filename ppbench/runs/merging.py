"""Several runs as one: their models side by side, every name once, the images in one order."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from ppbench.errors import InputError
from ppbench.models.requests import numbered
from ppbench.reporting.provenance_line import TableContext
from ppbench.runs.agreement import measured_facts, require_agreement, require_one_convention
from ppbench.runs.folder import Run
from ppbench.scoring.baseline_file import aligned
from ppbench.scoring.normaliser import MEASURED, Normaliser
from ppbench.scoring.outcomes import Outcomes


@dataclass(frozen=True)
class Member:
    """A model of one of the runs.

    Attributes:
        name: what it is called among all of them.
        run: its run.
        index: its place among that run's models.
        outcomes: right and wrong under the new name, images in the order of the first run.
    """

    name: str
    run: Run
    index: int
    outcomes: Outcomes


@dataclass(frozen=True)
class Merged:
    """The models of some runs on the same images.

    Attributes:
        members: every model, in the order of the runs.
        ids: int64 (N,), the images, in the order of the first run.
        labels: int64 (N,), theirs.
        normaliser: of the first run, for all models alike; None: there is no CE.
        baseline: the first baseline model that a run names, under its name here; None without one.
        context: what was measured; the notes of all runs, each once.
    """

    members: tuple[Member, ...]
    ids: npt.NDArray[np.int64]
    labels: npt.NDArray[np.int64]
    normaliser: Normaliser | None
    baseline: str | None
    context: TableContext


def merge(runs: Sequence[Run]) -> Merged:
    """Return the models of some runs, each name once: what recurs gets its run's folder, then a number.

    Args:
        runs: one or more; their cells may differ, their images may not.

    Raises:
        InputError: there is no run, or they are not of the same images.
    """
    if not runs:
        raise InputError("no run named")
    first = _facts(runs[0])
    for run in runs[1:]:
        require_agreement(_facts(run), first, where=_where(run), other=_where(runs[0]))
    require_one_convention((_where(run), run.manifest.models) for run in runs)
    named = _names(runs)
    ids = runs[0].predictions.ids
    members = tuple(
        Member(name, run, index, replace(aligned(outcomes, run.predictions.ids, ids), model=name))
        for run, names in zip(runs, named, strict=True)
        for index, (name, outcomes) in enumerate(zip(names, run.predictions.outcomes(), strict=True))
    )
    baselines = [
        names[run.predictions.models.index(run.scores.baseline)]
        for run, names in zip(runs, named, strict=True)
        if run.scores.baseline is not None
    ]
    return Merged(
        members,
        ids,
        runs[0].predictions.labels,
        _normaliser(runs[0], named[0]),
        next(iter(baselines), None),
        replace(
            runs[0].context,
            files="; ".join(dict.fromkeys(run.context.files for run in runs if run.context.files)) or None,
            notes=tuple(dict.fromkeys(note for run in runs for note in _notes(run, runs[0]))),
        ),
    )


def _notes(run: Run, first: Run) -> list[str]:
    """Return a run's notes; what it says of a normaliser counts only for the first, whose divides all."""
    apart = () if run is first else run.manifest.normaliser_notes
    return [note for note in run.context.notes if note not in apart]


def _facts(run: Run) -> dict[str, str | int | float | bool | None]:
    return measured_facts(run.manifest.data, run.manifest.precision)


def _where(run: Run) -> str:
    return "the run" if run.folder is None else str(run.folder)


def _names(runs: Sequence[Run]) -> list[list[str]]:
    plain = [name for run in runs for name in run.predictions.models]
    named = [
        name if plain.count(name) == 1 else f"{name} ({run.folder.resolve().name if run.folder else 'run'})"
        for run in runs
        for name in run.predictions.models
    ]
    different = iter(numbered(named))
    return [[next(different) for _ in run.predictions.models] for run in runs]


def _normaliser(run: Run, names: Sequence[str]) -> Normaliser | None:
    """Return the run's normaliser; a model of the run under the name it has here."""
    normaliser = run.scores.normaliser
    if normaliser is None or normaliser.model is None:
        return normaliser
    model = names[run.predictions.models.index(normaliser.model)]
    return replace(normaliser, model=model, name=f"{MEASURED}:{model}")
