"""Means over the benchmark's groups."""

import numpy as np
import pytest

from ppbench.scoring.group_scores import group_scores
from ppbench.scoring.names import GROUPS
from ppbench.scoring.normaliser import measured
from ppbench.scoring.resampled_scores import resampled_scores
from ppbench.scoring.scores import score
from tests.scoring.images import Population


@pytest.fixture(scope="module")
def two():
    """Two models on the same 300 images: scores by the first, and 500 resamples."""
    outcomes = Population().outcomes(np.random.default_rng(1), 300, {"first": 1.0, "second": 1.5})
    scores = score([each.table for each in outcomes], measured(outcomes[0].table))
    return scores, resampled_scores(outcomes, scores, resamples=500)


def test_a_group_is_the_mean_of_its_corruptions(two):
    """Every corruption counts the same, whatever its size; the interval is of the mean, resample by resample."""
    scores, values = two
    model = scores["second"]
    for found in group_scores(model, values["second"], "ce"):
        names = GROUPS[found.group]
        assert found.corruptions == names
        assert found.value == pytest.approx(np.mean([model.row(name).ce for name in names]))
        means = np.mean([values["second"][f"ce.{name}"] for name in names], axis=0)
        assert found.interval == pytest.approx(tuple(np.quantile(means, [0.025, 0.975])))


def test_the_normaliser_has_100(two):
    """The model that others are divided by has 100 in every group, with no uncertainty."""
    scores, values = two
    for found in group_scores(scores["first"], values["first"], "ce"):
        assert found.value == pytest.approx(100.0)
        assert found.interval == pytest.approx((100.0, 100.0))


def test_groups_of_fewer_corruptions_and_none():
    """A group is over what was measured of it; a group without any is left out, as is one without the score."""
    outcomes = Population(corruptions=("fog", "snow", "contrast")).outcomes(
        np.random.default_rng(1), 50, {"m": 1.0}
    )
    scores = score([outcomes[0].table])
    values = resampled_scores(outcomes, scores, resamples=50)["m"]
    found = group_scores(scores.models[0], values, "error")
    assert [(each.group, each.corruptions) for each in found] == [
        ("weather", ("snow", "fog")),
        ("digital", ("contrast",)),
    ]
    assert group_scores(scores.models[0], values, "ce") == ()
