"""The networks of the study: trained where they are missing, and only those taken that the study speaks of."""

import os
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from benchmarks.push_pull_study.plan import Network, Study, Variant
from ppbench.data.training_sets import open_training
from ppbench.errors import InputError
from ppbench.models.reading import read
from ppbench.training.recipe import load_recipe
from ppbench.training.resume import difference, digest_of, identity_of


def train_missing(
    study: Study, *, root: Path | None, test: Path | None, weights: Path, processes: int
) -> None:
    """Train what is not there yet, several networks side by side; one that fails is left out, and said to be.

    Raises:
        InputError: the training images are not those that the study speaks of.
        KeyboardInterrupt: the user stopped it; each training goes on from its last state another time.
    """
    missing = [
        (variant, seed) for variant, seed in study.trainings() if not _done(variant.file(weights, seed))
    ]
    if not missing:
        return
    images, _ = open_training(study.data, root=root, test=test)
    if (digest := digest_of(images)) != study.digest:
        raise InputError(
            f"{root or study.data}: expected the study's training images, {study.digest[:12]}…, got {digest[:12]}…"
        )
    with ThreadPoolExecutor(processes) as pool:
        runs = [pool.submit(_train, study, variant, seed, root, test, weights) for variant, seed in missing]
        try:
            for done in runs:
                if error := done.exception():
                    print(f"{error}: the study goes on without it", file=sys.stderr)
        except KeyboardInterrupt:
            # The trainings have had the same signal; those that wait must not begin.
            pool.shutdown(wait=True, cancel_futures=True)
            raise


def check(study: Study, keys: Sequence[Network], weights: Path) -> None:
    """Look at what the files say of themselves: the study describes them by its plan.

    Raises:
        InputError: one is of another recipe, seed or training set than its name and the plan say.
    """
    for variant, seed in keys:
        file = variant.file(weights, seed)
        wanted = identity_of(load_recipe(variant.recipe, model=variant.model), seed, study.digest)
        if other := difference(wanted, read(file).metadata):
            raise InputError(f"{file}: expected a training with {other}: remove it to have it trained again")


def _done(file: Path) -> bool:
    # The card is written last.
    return file.exists() and file.with_suffix(".md").exists()


def _train(
    study: Study, variant: Variant, seed: int, root: Path | None, test: Path | None, weights: Path
) -> None:
    """Train one network with one thread; what is stored is what is measured."""
    options = {
        "--recipe": variant.recipe,
        "--model": variant.model,
        "--seed": seed,
        "--root": root,
        "--test": test,
        "--device": "cpu",
        "--bits": study.bits,
        "--out": variant.file(weights, seed),
    }
    given = [str(part) for option in options.items() if option[1] is not None for part in option]
    subprocess.run(
        [sys.executable, "-m", "ppbench", "train", *given],
        check=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
