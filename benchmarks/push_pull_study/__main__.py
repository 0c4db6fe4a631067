"""Train what is missing, evaluate everything, write the study.

`python -m benchmarks.push_pull_study digits --weights FOLDER` can be stopped at any time; the same command goes on. On
two cores `digits` takes an hour, `cifar10` several.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import ppbench
from benchmarks.push_pull_study.cifar10_jpeg import CIFAR10_JPEG
from benchmarks.push_pull_study.digits import DIGITS
from benchmarks.push_pull_study.inhibition import inhibition
from benchmarks.push_pull_study.networks import check, train_missing
from benchmarks.push_pull_study.plan import Network, Study
from benchmarks.push_pull_study.statistics import rows
from benchmarks.push_pull_study.tables import by_corruption_and_severity, document
from ppbench.atomic import write_text
from ppbench.cpu_count import cpu_count
from ppbench.errors import InputError
from ppbench.models.requests import ModelRequest
from ppbench.training.recipe import load_recipe

STUDIES = {study.name: study for study in (CIFAR10_JPEG, DIGITS)}


def evaluate(
    study: Study, keys: Sequence[Network], *, test: Path | None, weights: Path, out: Path
) -> ppbench.Run:
    """Evaluate the networks on all cells, and keep what was measured."""
    files = [variant.file(weights, seed) for variant, seed in keys]
    run = ppbench.evaluate([ModelRequest(None, file) for file in files], data=study.data, root=test)
    names = {
        model: f"{variant.label}, seed {seed}"
        for model, (variant, seed) in zip(run.predictions.models, keys, strict=True)
    }
    table = run.errors
    table["model"] = table["model"].map(names)
    write_text(out / "errors.csv", table.to_csv(index=False, float_format="%.4f"))
    return run


def main() -> None:
    """Run the study."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("study", choices=STUDIES)
    parser.add_argument("--root", type=Path, help="cifar10: a folder with train/<class>/ of CIFAR-10")
    parser.add_argument("--test", type=Path, help="cifar10: an .npz with the clean test images")
    parser.add_argument("--weights", type=Path, required=True, help="where trained networks are kept")
    parser.add_argument("--out", type=Path, help="default: results/<study>-study")
    parser.add_argument("--processes", type=int, default=cpu_count())
    parser.add_argument("--no-train", action="store_true", help="take the networks that are there")
    options = parser.parse_args()
    study, weights = STUDIES[options.study], options.weights
    out = options.out or Path("results") / f"{study.name}-study"
    weights.mkdir(parents=True, exist_ok=True)
    out.mkdir(parents=True, exist_ok=True)
    if not options.no_train:
        train_missing(
            study, root=options.root, test=options.test, weights=weights, processes=options.processes
        )
    keys = [(variant, seed) for variant in study.variants for seed in variant.trained(weights)]
    missing = [
        f"{variant.label} seed {seed}" for variant, seed in study.trainings() if (variant, seed) not in keys
    ]
    check(study, keys, weights)
    run = evaluate(study, keys, test=options.test, weights=weights, out=out)
    divisor = run.scores.normaliser
    assert divisor is not None  # both data sets have a default
    made = rows(study, dict(zip(keys, run.predictions.outcomes(), strict=True)), divisor)
    recipe = load_recipe(study.plain.recipe)
    facts = {
        "training": {"images": study.images, "recipe": recipe.to_dict()},
        # Where the images lay is nobody's business; their digest says which they are.
        "data": {key: value for key, value in asdict(run.manifest.data).items() if key != "root"},
        "versions": run.manifest.versions,
        "missing": missing,
    }
    text = json.dumps({**facts, "rows": [row.to_dict() for row in made]}, indent=2)
    write_text(out / "study.json", text + "\n")
    gains = by_corruption_and_severity(made)
    more = [
        f"## Where it gains and loses\n\nPush-pull minus no push-pull; below zero is better.\n\n{gains}",
        f"## Inhibition strengths after training\n\n{inhibition(study, keys, weights)}",
    ]
    page = document(
        study,
        made,
        images=len(run.predictions.ids),
        epochs=recipe.epochs,
        normaliser=f"normalised to {divisor.name}",
        missing=missing,
        more=more,
    )
    write_text(out / "README.md", page)


if __name__ == "__main__":
    try:
        main()
    except InputError as error:
        sys.exit(f"push_pull_study: {error}")
