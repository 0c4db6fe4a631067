"""The provenance of a run, as the page lists it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class ModelFacts:
    """Where a model comes from, in words."""

    name: str
    architecture: str
    weights: str
    sha256: str
    input: str


@dataclass(frozen=True)
class RunFacts:
    """What run.json says of a run.

    Attributes:
        name: of its folder.
        facts: (label, text).
        models: one each.
    """

    name: str
    facts: tuple[tuple[str, str], ...]
    models: tuple[ModelFacts, ...]


def run_facts(name: str, manifest: Mapping[str, Any]) -> RunFacts:
    """Return what run.json says, in words; what it does not say is left out."""
    data, git, device = manifest["data"], manifest.get("git"), manifest.get("device") or {}
    versions = ", ".join(
        f"{package} {version}" for package, version in (manifest.get("versions") or {}).items() if version
    )
    facts = {
        "command": manifest.get("command"),
        "started": _started(manifest),
        "versions": versions,
        "git, where it ran": f"{git['commit']}{', with uncommitted changes' if git['dirty'] else ''}"
        if git
        else None,
        "device": ", ".join(f"{key} {value}" for key, value in device.items()),
        "precision": manifest.get("precision"),
        "batch size": manifest.get("batch_size"),
        "data": data["name"],
        "source": data["source"] + (f", by {data['generator']}" if data.get("generator") else ""),
        "protocol": data["protocol"],
        "images": f"{data['images']:,}" + ("" if data.get("limit") is None else " (a stratified subset)"),
        "seed": data.get("seed"),
        "digest of the images": data["digest"],
        "root": data.get("root"),
    }
    told = tuple((label, str(value)) for label, value in facts.items() if value not in (None, ""))
    return RunFacts(name, told, tuple(_model(model) for model in manifest["models"]))


def _started(manifest: Mapping[str, Any]) -> str | None:
    started = manifest.get("started")
    return None if started is None else f"{started}, took {manifest.get('seconds', 0):,.0f} s"


def _model(model: Mapping[str, Any]) -> ModelFacts:
    spec = model.get("input_spec") or {}
    told = ", ".join(f"{key} {_short(value)}" for key, value in spec.items() if value is not None)
    if model.get("input_spec_source"):
        told += f" ({model['input_spec_source']})"
    return ModelFacts(
        str(model["name"]),
        str(model.get("architecture") or "–"),
        str(model.get("checkpoint") or "–"),
        str(model.get("checkpoint_sha256") or "–"),
        "; ".join([told, *(f"assumed {clause}" for clause in model.get("assumed") or ())]),
    )


def _short(value: Any) -> str:
    if isinstance(value, list | tuple):
        return "(" + ", ".join(_short(each) for each in value) + ")"
    return f"{value:.4g}" if isinstance(value, float) else str(value)
