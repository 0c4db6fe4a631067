"""How far the benchmark's mean depends on the draws: the issue's check of the random corruptions' distribution."""

from pathlib import Path

import pytest

from ppbench.models.requests import ModelRequest
from ppbench.runs.evaluate import evaluate
from ppbench.scoring.names import CORRUPTIONS

SEEDS = (0, 1, 2)


def _published_mean(file: Path) -> float:
    """Return the mean error (per cent) over the 15 corruptions and 5 severities that the authors published."""
    rows = (line.split(":") for line in file.read_text().splitlines() if ":" in line)
    errors = {name.strip(): [100.0 * float(value) for value in values.split()] for name, values in rows}
    return sum(sum(errors[name]) / len(errors[name]) for name in CORRUPTIONS) / len(CORRUPTIONS)


@pytest.mark.slow
def test_the_mean_hardly_depends_on_the_seed(test_data: Path) -> None:
    """Over three seeds the mean of the 15 varies by less than 0.4 points, each within 0.5 of the published one."""
    folder = test_data / "pushpull-2020" / "resnet-20"
    root = test_data / "cifar10" / "test-first1000.npz"
    means = []
    for seed in SEEDS:
        # The cells of seed 0 may be in the store already: the published table's test makes them too.
        run = evaluate(
            ModelRequest("resnet20", folder / "checkpoint.pth.tar"), data="cifar10-c", root=root, seed=seed
        )
        (score,) = run.scores.models
        assert score.mean_error is not None
        means.append(score.mean_error)
    published = _published_mean(folder / "C_details.txt")
    assert len(set(means)) == len(SEEDS), "the draws do not depend on the seed"
    assert max(means) - min(means) < 0.4
    assert [mean for mean in means if abs(mean - published) >= 0.5] == []
