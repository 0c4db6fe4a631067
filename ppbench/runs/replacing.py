"""May a run be written over? Only where nothing would be lost: the new one measures all that the old one did."""

from pathlib import Path

from ppbench.errors import InputError
from ppbench.runs.agreement import differences, measured_facts
from ppbench.runs.manifest import FILE, Manifest, read_manifest
from ppbench.runs.plan import Plan
from ppbench.scoring.baseline_file import Fact

_IDENTITY = ("architecture", "checkpoint_sha256", "checkpoint_prefix", "input_spec", "outputs")


def refuse_loss(folder: Path, new: Plan) -> bool:
    """Look at the run that is in a folder, if there is one, before another takes its place.

    Args:
        folder: where the new run is to be written.
        new: what the new run will measure.

    Returns:
        Whether there is a run, all of which the new one measures again.

    Raises:
        InputError: there is a run with anything that the new one has not: the line says what.
    """
    if not (folder / FILE).exists():
        return False
    try:
        lost = _lost(read_manifest(folder), new)
    except InputError:
        lost = "which cannot be read"
    if lost is not None:
        raise InputError(f"{folder}: already has a run, {lost}: choose another --out or pass --overwrite")
    return True


def _lost(old: Manifest, new: Plan) -> str | None:
    """Return what only the old run has, in words; None if nothing."""
    for word, olds, news in (
        ("corruption", old.data.corruptions, new.data.corruptions),
        ("severity", old.data.severities, new.data.severities),
    ):
        if missing := [each for each in olds if each not in news]:
            return f"which has {word} {missing[0]} and this one has not"
    if differing := differences(_facts(old, old), _facts(new, old)):
        return f"which was measured otherwise ({differing[0]})"
    kept = {model.name: model for model in new.model_facts}
    for model in old.models:
        if model.name not in kept:
            return f"which has {model.name} and this one has not"
        other = kept[model.name]
        if any(getattr(model, key) != getattr(other, key) for key in _IDENTITY):
            return f"which has another {model.name}"
        # Without a digest nothing tells a network from what it was before.
        if not (model.identified and other.identified):
            return f"whose {model.name} cannot be fingerprinted, so this one may be another"
    return None


def _facts(run: Manifest | Plan, old: Manifest) -> dict[str, Fact]:
    """Return what must agree, of the corruptions that the old run has."""
    return measured_facts(run.data, run.precision, old.data.corruptions)
