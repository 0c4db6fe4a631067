"""The gate on runs: what it compares with, which model it judges, and what it rests on."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ppbench import atomic
from ppbench.errors import InputError, unknown
from ppbench.reporting.provenance_line import data_sentence
from ppbench.runs.agreement import (
    answering,
    measured_facts,
    require_agreement,
    require_repeatable,
    setup_changes,
    setup_facts,
)
from ppbench.runs.folder import Run, load_run
from ppbench.runs.manifest import DataFacts, ModelFacts
from ppbench.scoring.baseline_file import Baseline, pack, unpack
from ppbench.scoring.completeness import missing_cells
from ppbench.scoring.gate import Judgement, judge, pair_with_baseline
from ppbench.scoring.gate_rules import Rule
from ppbench.scoring.names import CLEAN
from ppbench.scoring.outcomes import CLEAN_CELL, Outcomes

if TYPE_CHECKING:
    from ppbench.runs.plan import Plan

DEFAULT_RULES = (Rule("mean_error", 1.0), Rule(CLEAN, 2.0))
"""What may rise where nobody says: they need no normaliser, so that every baseline has them."""

_RENEW = "; evaluate the same, or renew the baseline with --update"


@dataclass(frozen=True, eq=False)
class GateResult:
    """A judgement and what it rests on.

    Attributes:
        judgement: what became of the rules.
        model: the one judged.
        baseline: the one compared with.
        facts: what stands below the table: (label, text).
        setup_changes: in what the model is set up otherwise than that of the baseline.
    """

    judgement: Judgement
    model: str
    baseline: Baseline
    facts: tuple[tuple[str, str], ...]
    setup_changes: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return the result as JSON knows it."""
        normaliser = self.baseline.normaliser
        return {
            **self.judgement.to_dict(),
            "model": self.model,
            "baseline_model": self.baseline.outcomes.model,
            "normaliser": None if normaliser is None else normaliser.name,
            "facts": dict(self.baseline.facts),
            "setup_changes": list(self.setup_changes),
        }


def default_rules(baseline: Baseline) -> tuple[Rule, ...]:
    """Return the rules of a gate that was given none: those of `DEFAULT_RULES` that the baseline has cells for."""
    clean = CLEAN_CELL in baseline.outcomes.row
    return tuple(rule for rule in DEFAULT_RULES if clean or rule.score != CLEAN)


def read_baseline(path: Path, model: str | None = None) -> Baseline:
    """Read a baseline: a file that `--update` wrote, or a run's folder.

    Args:
        path: of either.
        model: which model of a run; None where it has only one beside its normaliser.

    Raises:
        InputError: there is none, or it is damaged.
    """
    if path.is_dir():
        return baseline_of(load_run(path, intervals=False), model)
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise InputError(f"{path}: no such baseline: make it from a good model with --update") from None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: this baseline cannot be read: {error}") from None
    baseline = unpack(text, str(path))
    if model not in (None, baseline.outcomes.model):
        raise unknown("baseline model", str(model), [baseline.outcomes.model])
    return baseline


def write_baseline(baseline: Baseline, path: Path) -> int:
    """Write a baseline file and return its size in bytes.

    Raises:
        InputError: it cannot be written there, see `check_baseline_place`.
    """
    check_baseline_place(path)
    data = pack(baseline).encode()
    atomic.write_bytes(path, data)
    return len(data)


def check_baseline_place(path: Path) -> None:
    """Prove that a baseline can be written, before the evaluation that it is to hold.

    Raises:
        InputError: `path` is a folder (a run is a baseline by itself), or nothing can be written there.
    """
    if path.is_dir():
        raise InputError(f"{path}: this is a folder: name a file to write the baseline to with --baseline")
    atomic.require_writable(path, "choose another with --baseline")


def baseline_of(run: Run, model: str | None = None) -> Baseline:
    """Return one model of a run as a baseline, its normaliser along.

    Raises:
        InputError: no such model, or several and none named, or one whose answers depend on more than the image.
    """
    outcomes, normaliser = judged_model(run, model), run.scores.normaliser
    about = _described(run, outcomes.model)
    by_name = {each.model: each for each in run.predictions.outcomes()}
    measured = None if normaliser is None or normaliser.model is None else by_name[normaliser.model]
    facts = measured_facts(run.manifest.data, run.manifest.precision) | answering(about)
    return Baseline(outcomes, run.predictions.ids, facts, normaliser, measured, setup_facts(about))


def _described(run: Run, model: str) -> ModelFacts:
    """Return what a run's manifest says of a model whose numbers may be compared.

    Raises:
        InputError: they may not.
    """
    about = run.manifest.model(model)
    require_repeatable([about], where="this run" if run.folder is None else str(run.folder))
    return about


def judged_model(run: Run, model: str | None = None) -> Outcomes:
    """Return the outcomes of the model that a gate is about, see `judged_name`.

    Raises:
        InputError: no such model, or several and none named.
    """
    by_name = {each.model: each for each in run.predictions.outcomes()}
    normaliser = run.scores.normaliser
    return by_name[judged_name(list(by_name), None if normaliser is None else normaliser.model, model)]


def judged_name(models: Sequence[str], normaliser_model: str | None, model: str | None = None) -> str:
    """Return the model that a gate is about: the one named, or the only one beside the normaliser.

    Args:
        models: of the run.
        normaliser_model: the one of them that CE is divided by, if it is one of them.
        model: the one named, if one is.

    Raises:
        InputError: no such model, or several and none named.
    """
    if model is not None:
        if model not in models:
            raise unknown("model", model, models)
        return model
    others = [name for name in models if name != normaliser_model] or list(models)
    if len(others) > 1:
        raise InputError(
            f"there are several models, {', '.join(others)}: name the one to judge with --judge, and that of a "
            "baseline's run with --baseline-model"
        )
    return others[0]


def check_planned(plan: "Plan", baseline: Baseline | None, model: str | None, *, where: str) -> None:
    """Find what a gate would refuse after an evaluation before it.

    Args:
        plan: what the run will measure.
        baseline: what it will be compared with; None where it becomes the baseline itself.
        model: which of its models is meant; None where it has only one beside its normaliser.
        where: what the baseline was read from, for the message.

    Raises:
        InputError: no such model, several and none named, or other images than the baseline's.
    """
    judged = judged_name(plan.names, plan.divisor.model, model)
    about = next(each for each in plan.model_facts if each.name == judged)
    if baseline is not None:
        require_same_images(plan.data, plan.precision, about, baseline, where=where)


def require_same_images(
    data: DataFacts, precision: str, model: ModelFacts, baseline: Baseline, *, where: str
) -> None:
    """Refuse images that the baseline was not measured on, or other answers as errors; it may have fewer corruptions.

    Args:
        data: the images and cells.
        precision: of the evaluation.
        model: the one judged.
        baseline: what to compare with.
        where: what it was read from, for the message.

    Raises:
        InputError: they differ; the line says in what.
    """
    cells = baseline.outcomes.cells
    for corruption, severity in cells:
        if severity and not (corruption in data.corruptions and severity in data.severities):
            raise InputError(f"this run: has no cell {corruption},{severity}, which {where} has{_RENEW}")
    corruptions = {corruption for corruption, _ in cells}
    require_agreement(
        measured_facts(data, precision, corruptions) | answering(model),
        baseline.facts,
        where="this run",
        other=where,
        advice=_RENEW,
    )


def check_rules(rules: Sequence[Rule], baseline: Baseline) -> None:
    """Find a rule that the baseline cannot be judged by before the work, not after it.

    Raises:
        InputError: a rule is for a score that the baseline does not have.
    """
    if rules:
        judge(rules, pair_with_baseline(baseline.outcomes, baseline.ids, baseline, resamples=2))


def gate_run(
    run: Run,
    baseline: Baseline,
    rules: Sequence[Rule] = (),
    *,
    model: str | None = None,
    where: str = "the baseline",
) -> GateResult:
    """Judge a model of a run against a baseline.

    Args:
        run: a finished run.
        baseline: what to compare with.
        rules: what may rise and by how much; empty takes `default_rules`.
        model: which model of the run; None where it has only one beside its normaliser.
        where: what the baseline was read from, for messages.

    Raises:
        InputError: other images than the baseline's, a rule for what was not measured, or a model whose answers depend
            on more than the image.
    """
    judged = judged_model(run, model)
    about = _described(run, judged.model)
    changes = setup_changes(setup_facts(about), baseline.setup)
    precision = run.manifest.precision
    require_same_images(run.manifest.data, precision, about, baseline, where=where)
    pairing = pair_with_baseline(judged, run.predictions.ids, baseline)
    judgement = judge(rules or default_rules(baseline), pairing)
    facts = _facts(run, judged.model, baseline, where)
    facts += tuple(("weights", caveat) for caveat in about.caveats)
    if about.outputs is not None:
        facts += (("outputs", f"{about.outputs} ({about.outputs.by})"),)
    told = (("set-up", f"not as in the baseline: {'; '.join(changes)}"),) if changes else ()
    return GateResult(judgement, judged.model, baseline, facts + told, changes)


def _facts(run: Run, model: str, baseline: Baseline, where: str) -> tuple[tuple[str, str], ...]:
    """Return what stands below the table; all tables of a gate are in points of top-1 error or of CE."""
    normaliser = baseline.normaliser
    by = "no normaliser" if normaliser is None else f"CE and mCE divided by {normaliser.name}"
    return (
        ("model", f"{model}, against {baseline.outcomes.model} of {where}"),
        ("data", data_sentence(run.context)),
        ("scale", f"top-1 errors in per cent, rises in points; {by}"),
        *(("partial", text) for text in missing_cells(baseline.outcomes.table)),
    )
