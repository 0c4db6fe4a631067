"""May a run be written over? Only where nothing would be lost: the new one measures all that the old one did."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ppbench.errors import InputError
from ppbench.runs.agreement import differences, measured_facts
from ppbench.runs.folder import MANIFEST, read_manifest

_IDENTITY = ("architecture", "checkpoint_sha256", "checkpoint_prefix", "input_spec")


def refuse_loss(folder: Path, manifest: Mapping[str, Any]) -> bool:
    """Look at the run that is in a folder, if there is one, before another takes its place.

    Args:
        folder: where the new run is to be written.
        manifest: what the new run's run.json will say of ``data``, ``precision`` and ``models``.

    Returns:
        Whether there is a run, all of which the new one measures again.

    Raises:
        InputError: there is a run with anything that the new one has not: the line says what.
    """
    if not (folder / MANIFEST).exists():
        return False
    try:
        lost = _lost(read_manifest(folder), manifest)
    except (InputError, KeyError, TypeError, AttributeError):
        lost = "one that cannot be read"
    if lost is not None:
        raise InputError(
            f"{folder}: expected no run, or one that this run contains, got {lost}: "
            "choose another --out, or replace it with --overwrite"
        )
    return True


def _lost(old: Mapping[str, Any], new: Mapping[str, Any]) -> str | None:
    """Return what only the old run has, in words; None if nothing."""
    for key, word in (("corruptions", "corruption"), ("severities", "severity")):
        if missing := [each for each in old["data"][key] if each not in new["data"][key]]:
            return f"one with {word} {missing[0]}"
    if differing := differences(_facts(old, old), _facts(new, old)):
        return f"one that was measured otherwise ({differing[0]})"
    kept = {model["name"]: model for model in new["models"]}
    for model in old["models"]:
        name = model["name"]
        if name not in kept:
            return f"one with {name}"
        if any(model.get(key) != kept[name].get(key) for key in _IDENTITY):
            return f"one with another {name}"
        # Without a digest nothing tells a network from what it was before.
        if not (model.get("identified") and kept[name]["identified"]):
            return f"one with a {name} that may have computed something else"
    return None


def _facts(manifest: Mapping[str, Any], old: Mapping[str, Any]) -> dict[str, Any]:
    """Return what must agree, of the corruptions that the old run has."""
    return measured_facts(manifest["data"], manifest["precision"], old["data"]["corruptions"])
