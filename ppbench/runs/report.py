"""From runs to what a report shows."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict

from ppbench import __version__
from ppbench.reporting.lead import ranked
from ppbench.reporting.provenance_line import LIBRARY_NAMES
from ppbench.reporting.reference_rows import references_for
from ppbench.reporting.report_content import ModelProvenance, ModelReliability, ReportContent, RunProvenance
from ppbench.runs.example_images import example_images
from ppbench.runs.folder import Run
from ppbench.runs.manifest import Manifest, ModelFacts
from ppbench.runs.merging import Member, merge
from ppbench.runs.stem_kernels import stem_kernels
from ppbench.scoring.bootstrap import LEVEL
from ppbench.scoring.comparison import Comparison, compare
from ppbench.scoring.group_scores import group_scores
from ppbench.scoring.names import CORRUPTIONS
from ppbench.scoring.outcomes import CLEAN_CELL, Outcomes
from ppbench.scoring.pairing import Pairing
from ppbench.scoring.reliability import Bin, reliability
from ppbench.scoring.resampled_scores import Values, intervals_of, leaders_of, resampled_scores
from ppbench.scoring.scorecard import Scores
from ppbench.scoring.scores import score
from ppbench.scoring.significance import mcnemar


def run_provenance(run: Run) -> RunProvenance:
    """Return what run.json says of a run, in words; what it does not say is left out."""
    manifest, data = run.manifest, run.manifest.data
    git, generator = manifest.git, data.generator
    facts = {
        "command": manifest.command,
        "started": f"{manifest.started}, {_cells(manifest)}",
        "versions": ", ".join(
            f"{package} {version}" for package, version in manifest.versions.items() if version
        ),
        "git, where it ran": git and f"{git.commit}{', with uncommitted changes' if git.dirty else ''}",
        "device": ", ".join(f"{key} {value}" for key, value in asdict(manifest.device).items()),
        "precision": manifest.precision,
        "batch size": manifest.batch_size,
        "data": data.name,
        "source": data.source + (f", by {generator}" if generator else ""),
        "JPEG": data.jpeg_codec and f"of {LIBRARY_NAMES[data.jpeg_codec]}",
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


def _cells(manifest: Manifest) -> str:
    """Return how long the run took and what it measured, or when that was measured which it took from the store."""
    cells = manifest.cells
    took = f"took {manifest.seconds:,.0f} s for {cells.evaluated:,} cells"
    if not cells.from_store:
        return took
    when = "earlier"
    if cells.first_measured is not None and cells.last_measured is not None:
        first, last = cells.first_measured, cells.last_measured
        when = f"at {last}" if first == last else f"from {first} to {last}"
    stored = f"{cells.from_store:,} cells were measured {when} and kept in the store"
    return f"{took}; {stored}" if cells.evaluated else stored


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


ALPHA = 0.05
"""From which p-value on a difference in a cell is called decided."""


def report_content(runs: Sequence[Run], *, reference: str | None = None) -> ReportContent:
    """Return what a report of some runs shows.

    CE divides by the normaliser of the first run, for all models alike. The models are compared with the first baseline
    model that a run names, or else with the first model of all.

    Args:
        runs: one or more, on the same images.
        reference: a data set whose published results stand beside the models.

    Raises:
        InputError: the runs are not of the same images, or nothing is published for `reference`, or on their data.
    """
    merged = merge(runs)
    published = () if reference is None else references_for(reference, merged.context.data)
    outcomes = [member.outcomes for member in merged.members]
    names = [member.name for member in merged.members]
    baseline = merged.baseline or names[0]
    tables = tuple(each.table for each in outcomes)
    scores = score(tables, merged.normaliser, merged.baseline)
    values = resampled_scores(outcomes, scores)
    scores = scores.with_intervals(intervals_of(values, outcomes), leaders_of(values, outcomes, scores))
    part = "error" if merged.normaliser is None else "ce"
    stems = [
        stem_kernels(
            member.run.manifest.models[member.index],
            member.run.manifest.data,
            member.name,
            member.run.folder,
        )
        for member in merged.members
    ]
    base = outcomes[names.index(baseline)]
    return ReportContent(
        tables=tables,
        scores=scores,
        groups={model.model: group_scores(model, values[model.model], part) for model in scores.models},
        context=merged.context,
        baseline=baseline,
        runner_up=_runner_up(outcomes, scores, values),
        decided={each.model: _decided(base, each) for each in outcomes},
        reliability=tuple(_reliability(member) for member in merged.members),
        examples=example_images(merged),
        stems=tuple(stem for stem in stems if stem is not None),
        references=published,
        runs=tuple(map(run_provenance, runs)),
        version=__version__,
    )


def _runner_up(
    outcomes: Sequence[Outcomes], scores: Scores, values: Mapping[str, Values]
) -> Comparison | None:
    """Return the best model compared with the next one; None where there are no two on the same cells."""
    _, order = ranked(scores)
    if len(order) < 2:
        return None
    second, first = (model.model for model in order[:2])
    by_name = {each.model: each for each in outcomes}
    if set(by_name[first].cells) != set(by_name[second].cells):
        return None
    points = scores[first].by_name, scores[second].by_name
    return compare(Pairing(by_name[first], by_name[second], points, (values[first], values[second]), LEVEL))


def _decided(base: Outcomes, other: Outcomes) -> frozenset[tuple[str, int]]:
    """Return the cells in which two models differ by more than chance, each cell by itself."""
    found = set()
    for cell, row in other.row.items():
        if cell in base.row:
            first, second = base.wrong[base.row[cell]], other.wrong[row]
            only_first, only_second = int((first & ~second).sum()), int((second & ~first).sum())
            if mcnemar(only_first, only_second) < ALPHA:
                found.add(cell)
    return frozenset(found)


def _reliability(member: Member) -> ModelReliability:
    kept = member.run.predictions
    right = ~kept.wrong[member.index]

    def bins(rows: list[int]) -> tuple[Bin, ...]:
        if not rows:
            return ()
        return reliability(kept.answers.confidences[member.index, rows].ravel(), right[rows].ravel())

    return ModelReliability(
        bins([row for row, cell in enumerate(kept.cells) if cell == CLEAN_CELL]),
        bins([row for row, cell in enumerate(kept.cells) if cell[0] in CORRUPTIONS]),
    )
