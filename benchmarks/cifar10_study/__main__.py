"""Train what is missing, evaluate everything, write the study: `python -m benchmarks.cifar10_study --root … --test …`.

It can be stopped at any time; the same command goes on. On two cores all of it takes several hours.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

import ppbench
from benchmarks.cifar10_study.networks import check, train_missing
from benchmarks.cifar10_study.plan import VARIANTS, Variant, trainings
from benchmarks.cifar10_study.statistics import rows
from benchmarks.cifar10_study.tables import document
from ppbench.atomic import write_text
from ppbench.cpu_count import cpu_count
from ppbench.errors import InputError
from ppbench.models.requests import ModelRequest
from ppbench.training.recipe import load_recipe


def evaluate(keys: Sequence[tuple[Variant, int]], *, test: Path, weights: Path, out: Path) -> ppbench.Run:
    """Evaluate the networks on all cells, and keep what was measured."""
    files = [variant.file(weights, seed) for variant, seed in keys]
    run = ppbench.evaluate([ModelRequest(None, file) for file in files], data="cifar10-c", root=test)
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
    parser.add_argument("--root", type=Path, required=True, help="a folder with train/<class>/ of CIFAR-10")
    parser.add_argument("--test", type=Path, required=True, help="an .npz with the clean test images")
    parser.add_argument("--weights", type=Path, required=True, help="where trained networks are kept")
    parser.add_argument("--out", type=Path, default=Path("results/cifar10-study"))
    parser.add_argument("--processes", type=int, default=cpu_count())
    parser.add_argument("--no-train", action="store_true", help="take the networks that are there")
    options = parser.parse_args()
    options.weights.mkdir(parents=True, exist_ok=True)
    options.out.mkdir(parents=True, exist_ok=True)
    if not options.no_train:
        train_missing(
            root=options.root, test=options.test, weights=options.weights, processes=options.processes
        )
    keys = [(variant, seed) for variant in VARIANTS for seed in variant.trained(options.weights)]
    missing = [f"{variant.label} seed {seed}" for variant, seed in trainings() if (variant, seed) not in keys]
    check(keys, options.weights)
    run = evaluate(keys, test=options.test, weights=options.weights, out=options.out)
    divisor = run.scores.normaliser
    assert divisor is not None  # CIFAR-10 has a default
    outcomes = dict(zip(keys, run.predictions.outcomes(), strict=True))
    made = rows(outcomes, divisor)
    recipe = load_recipe("cifar10-fast")
    training = {
        "images": "CIFAR-10's 50,000 training images as JPEGs of quality 75",
        "recipe": recipe.to_dict(),
    }
    facts = {
        "training": training,
        # Where the images lay is nobody's business; their digest says which they are.
        "data": {key: value for key, value in run.manifest["data"].items() if key != "root"},
        "versions": run.manifest["versions"],
        "missing": missing,
    }
    text = json.dumps({**facts, "rows": [row.to_dict() for row in made]}, indent=2)
    write_text(options.out / "study.json", text + "\n")
    write_text(
        options.out / "README.md",
        document(
            made,
            images=len(run.predictions.ids),
            epochs=recipe.epochs,
            normaliser=f"normalised to {divisor.name}",
            missing=missing,
        ),
    )


if __name__ == "__main__":
    try:
        main()
    except InputError as error:
        sys.exit(f"cifar10_study: {error}")
