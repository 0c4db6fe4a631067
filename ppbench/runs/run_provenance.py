"""The provenance of a run, in the words that a report lists it in."""

from dataclasses import asdict

from ppbench.reporting.report_content import ModelProvenance, RunProvenance
from ppbench.runs.folder import Run
from ppbench.runs.manifest import ModelFacts


def run_provenance(run: Run) -> RunProvenance:
    """Return what run.json says of a run, in words; what it does not say is left out."""
    manifest, data = run.manifest, run.manifest.data
    git, generator = manifest.git, data.generator
    facts = {
        "command": manifest.command,
        "started": f"{manifest.started}, took {manifest.seconds:,.0f} s",
        "versions": ", ".join(
            f"{package} {version}" for package, version in manifest.versions.items() if version
        ),
        "git, where it ran": git and f"{git.commit}{', with uncommitted changes' if git.dirty else ''}",
        "device": ", ".join(f"{key} {value}" for key, value in asdict(manifest.device).items()),
        "precision": manifest.precision,
        "batch size": manifest.batch_size,
        "data": data.name,
        "source": data.source + (f", by {generator}" if generator else ""),
        "protocol": data.protocol,
        "images": f"{data.images:,}" + ("" if data.limit is None else " (a stratified subset)"),
        "seed": data.seed,
        "digest of the images": data.digest,
        "root": data.root,
    }
    return RunProvenance(
        "run" if run.folder is None else run.folder.resolve().name,
        tuple((label, str(value)) for label, value in facts.items() if value not in (None, "")),
        tuple(map(_model, manifest.models)),
        manifest.to_json(),
    )


def _model(model: ModelFacts) -> ModelProvenance:
    told = ", ".join(
        f"{key} {_short(value)}" for key, value in model.input_spec.to_dict().items() if value is not None
    )
    return ModelProvenance(
        model.name,
        model.architecture,
        model.checkpoint or "–",
        model.checkpoint_sha256 or "–",
        "; ".join(
            [f"{told} ({model.input_spec_source})", *(f"assumed {clause}" for clause in model.assumed)]
        ),
    )


def _short(value: object) -> str:
    if isinstance(value, list):
        return "(" + ", ".join(map(_short, value)) + ")"
    return f"{value:.4g}" if isinstance(value, float) else str(value)
