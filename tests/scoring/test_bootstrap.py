"""Intervals by resampling images: the numbers, the pairing, the coverage."""

import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ppbench.errors import InputError
from ppbench.scoring.bootstrap import interval, resampled_errors
from ppbench.scoring.names import SEVERITIES
from ppbench.scoring.normaliser import load_normaliser, measured
from ppbench.scoring.outcomes import CLEAN_CELL, Outcomes
from ppbench.scoring.resampled_scores import leaders_of, resampled_scores
from ppbench.scoring.scores import score
from tests.scoring.intervals import score_intervals

from .images import Population

STRENGTHS = {"alexnet": 1.2, "resnet": 2.0}


def plain_resamples(wrong, resamples, seed):
    """The same bootstrap in plain loops: draw images, count errors cell by cell."""
    generator = np.random.default_rng(seed)
    cells, images = wrong.shape
    rows = []
    for _ in range(resamples):
        drawn = generator.integers(0, images, size=images)
        rows.append(
            [100 * sum(bool(wrong[cell, image]) for image in drawn) / images for cell in range(cells)]
        )
    return np.array(rows)


def test_resamples_are_those_of_a_plain_loop():
    """Drawing images one by one and counting gives the very same errors."""
    wrong = np.random.default_rng(1).random((6, 40)) < 0.3
    assert np.allclose(
        resampled_errors(wrong, resamples=30, seed=5), plain_resamples(wrong, 30, 5), atol=1e-12
    )


def test_cells_do_not_change_the_draws():
    """A cell has the same resamples alone and among others, and the same seed gives the same bits."""
    wrong = np.random.default_rng(2).random((9, 300)) < 0.4
    together = resampled_errors(wrong, resamples=50, seed=3)
    assert np.array_equal(resampled_errors(wrong[4:5], resamples=50, seed=3), together[:, 4:5])
    assert np.array_equal(resampled_errors(wrong, resamples=50, seed=3), together)
    assert not np.array_equal(resampled_errors(wrong, resamples=50, seed=4), together)


@pytest.mark.parametrize("normaliser", ["measured", "imagenet-c-alexnet", "cifar10-c-alexnet-2020", None])
def test_each_resample_is_scored_as_the_images_it_drew(normaliser):
    """The vectorised scores of a resample equal `score` of an errors table counted from that resample."""
    outcomes = Population().outcomes(np.random.default_rng(3), 60, STRENGTHS)

    def scored(those):
        divisor = (
            replace(measured(those[0].table), images=None)  # 60 images leave no rise certain
            if normaliser == "measured"
            else normaliser and load_normaliser(normaliser)
        )
        return score([each.table for each in those], divisor, baseline="alexnet")

    values = resampled_scores(outcomes, scored(outcomes), resamples=5, seed=8)
    generator = np.random.default_rng(8)
    for index in range(5):
        drawn = generator.integers(0, 60, size=60)
        again = scored([Outcomes(each.model, each.cells, each.wrong[:, drawn]) for each in outcomes])
        for model in again.models:
            mine = values[model.model]
            expected = {"clean": model.clean_error, "mean_error": model.mean_error, "mce": model.mce,
                        "relative_mce": model.relative_mce, "r_net": model.r_net}  # fmt: skip
            for row in model.corruptions:
                expected[f"error.{row.corruption}"] = row.mean_error
                expected[f"ce.{row.corruption}"] = row.ce
                expected[f"relative_ce.{row.corruption}"] = row.relative_ce
            known = {name: value for name, value in expected.items() if value is not None}
            assert mine.keys() == known.keys()
            for name, value in known.items():
                assert mine[name][index] == pytest.approx(value, rel=1e-9, abs=1e-9), name


def test_the_measured_normaliser_has_no_uncertainty_about_itself():
    """CE and mCE of the normalising model are 100 in every resample: both its errors are the same images'."""
    outcomes = Population().outcomes(np.random.default_rng(4), 100, STRENGTHS)
    scores = score([each.table for each in outcomes], measured(outcomes[0].table))
    found = score_intervals(outcomes, scores, resamples=200)
    assert found["alexnet"]["mce"] == (100.0, 100.0)
    low, high = found["resnet"]["mce"]
    assert low < scores["resnet"].mce < high


def test_a_measured_normaliser_adds_its_own_uncertainty():
    """Treating measured errors as fixed numbers gives another interval than resampling them along."""
    outcomes = Population().outcomes(np.random.default_rng(5), 200, STRENGTHS)
    tables = [each.table for each in outcomes]
    along = measured(tables[0])
    fixed = type(along)(along.name, along.description, along.source, along.clean, along.per_severity, {})
    one = resampled_scores(outcomes, score(tables, along), resamples=500)["resnet"]["mce"]
    two = resampled_scores(outcomes, score(tables, fixed), resamples=500)["resnet"]["mce"]
    assert abs(one.std() - two.std()) > 0.1 * two.std()


def test_a_relative_ce_whose_denominator_may_vanish_has_no_interval():
    """A corruption on which the normaliser is barely worse than clean has a relative CE but no interval for it."""
    generator = np.random.default_rng(6)
    cells = (CLEAN_CELL, *(("fog", s) for s in SEVERITIES), *(("snow", s) for s in SEVERITIES))
    rates = [0.20] + [0.21] * 5 + [0.6] * 5
    wrong = generator.random((11, 100)) < np.array(rates)[:, None]
    wrong[0] = np.arange(100) < 20
    wrong[1:6] = np.arange(5, 105) < np.array([26] * 5)[:, None]
    alexnet = Outcomes("alexnet", cells, wrong)
    assert score([alexnet.table], measured(alexnet.table))["alexnet"].row("fog").relative_ce is None
    scores = score([alexnet.table], replace(measured(alexnet.table), images=None))  # as if it were certain
    assert scores["alexnet"].row("fog").relative_ce == 100.0
    found = score_intervals([alexnet], scores, resamples=500)["alexnet"]
    assert "relative_ce.fog" not in found
    assert "relative_mce" not in found
    assert "relative_ce.snow" in found
    assert "ce.fog" in found


def test_two_thousand_resamples_of_a_full_cifar_run_are_quick():
    """2,000 resamples of 10,000 images × 75 cells take under 20 s of processor time, that is 10 s of two cores."""
    wrong = np.random.default_rng(7).random((75, 10_000)) < 0.3
    begun = time.process_time()  # of all threads: what two cores need is at most this
    errors = resampled_errors(wrong, resamples=2000)
    assert time.process_time() - begun < 20
    assert errors.shape == (2000, 75)
    assert errors.std(axis=0) == pytest.approx(100 * np.sqrt(0.21 / 10_000), rel=0.1)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads the peak of memory from /proc")
def test_two_thousand_resamples_of_a_full_cifar_run_are_small():
    """The same takes under 2 GB, in a process of its own: in this one other tests have been at work."""
    script = """
import numpy as np
from ppbench.scoring.bootstrap import resampled_errors
resampled_errors(np.random.default_rng(7).random((75, 10_000)) < 0.3, resamples=2000)
print(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 2e6  # kilobytes


def coverage(trials, images, resamples, normaliser):
    """How often the 95 % interval holds the truth, for each headline score of `resnet`, over many experiments."""
    population = Population(("gaussian_noise", "motion_blur", "brightness"), (1, 3, 5))
    generator = np.random.default_rng(11)

    def scored(outcomes):
        divisor = measured(outcomes[0].table) if normaliser == "measured" else load_normaliser(normaliser)
        return score([each.table for each in outcomes], divisor)

    truth = scored(population.outcomes(generator, 1_000_000, STRENGTHS))["resnet"]
    targets = {"clean": truth.clean_error, "mean_error": truth.mean_error, "mce": truth.mce,
               "relative_mce": truth.relative_mce, "ce.motion_blur": truth.row("motion_blur").ce}  # fmt: skip
    hits = dict.fromkeys(targets, 0)
    for trial in range(trials):
        outcomes = population.outcomes(generator, images, STRENGTHS)
        found = score_intervals(outcomes, scored(outcomes), resamples=resamples, seed=trial)["resnet"]
        for name, value in targets.items():
            low, high = found[name]
            hits[name] += low <= value <= high
    return {name: hits[name] / trials for name in targets}


@pytest.mark.slow
@pytest.mark.parametrize("normaliser", ["measured", "imagenet-c-alexnet"])
def test_the_interval_covers_the_truth_as_often_as_it_says(normaliser):
    """Over 2,000 made-up experiments of 400 images, the 95 % interval holds the true score in 93–97 % of them."""
    for name, share in coverage(2000, 400, 500, normaliser).items():
        assert 0.93 <= share <= 0.97, (name, share)


def test_an_interval_that_ignores_the_images_would_be_too_narrow():
    """Cells share their images: resampling each cell by itself would make mCE look far more certain than it is."""
    (outcomes,) = Population().outcomes(np.random.default_rng(12), 400, {"resnet": 2.0})
    together = resampled_errors(outcomes.wrong[1:], resamples=500).mean(axis=1).std()
    apart = np.mean([resampled_errors(row[None], resamples=500, seed=9 + k)[:, 0]
                     for k, row in enumerate(outcomes.wrong[1:])], axis=0).std()  # fmt: skip
    assert together > 2 * apart


def test_intervals_are_quantiles():
    """The percentile interval holds the asked share of the resamples."""
    assert interval(np.arange(1001.0)) == pytest.approx((25.0, 975.0))
    assert interval(np.arange(1001.0), level=0.5) == pytest.approx((250.0, 750.0))


def test_outcomes_are_checked():
    """Outcomes of the wrong type or shape, of other images, or of other models are refused in one line."""
    good = Outcomes("a", (CLEAN_CELL,), np.zeros((1, 5), bool))
    for cells, wrong in (
        ((CLEAN_CELL,), np.zeros((1, 5))),
        ((CLEAN_CELL,), np.zeros(5, bool)),
        ((CLEAN_CELL,), np.zeros((2, 5), bool)),
        ((CLEAN_CELL, CLEAN_CELL), np.zeros((2, 5), bool)),
        ((CLEAN_CELL,), np.zeros((1, 0), bool)),
    ):
        with pytest.raises(InputError, match="expected"):
            Outcomes("a", cells, wrong)
    scores = score([good.table])
    with pytest.raises(InputError, match="expected outcomes of"):
        resampled_scores([Outcomes("b", good.cells, good.wrong)], scores)
    two = score([good.table, Outcomes("b", good.cells, np.zeros((1, 6), bool)).table])
    with pytest.raises(InputError, match="expected outcomes on the same images"):
        resampled_scores([good, Outcomes("b", good.cells, np.zeros((1, 6), bool))], two)
    alien = score([good.table], measured(Outcomes("n", good.cells, good.wrong).table))
    with pytest.raises(InputError, match="expected the outcomes of n, the normaliser, got none"):
        resampled_scores([good], alien)


def test_a_leader_is_better_than_every_other_beyond_the_paired_interval():
    """Two like models share the lead, so neither has it; a clearly better one leads, in R_net by the highest value."""
    outcomes = Population().outcomes(np.random.default_rng(7), 300, {"alexnet": 1.0, "a": 2.5, "b": 2.5})

    def leaders(those):
        scores = score([each.table for each in those], measured(those[0].table), baseline="alexnet")
        values = resampled_scores(those, scores, resamples=500)
        return scores, values, leaders_of(values, those, scores)

    scores, values, found = leaders(outcomes[:2])
    assert found["mce"] == found["mean_error"] == found["clean"] == found["r_net"] == "a"
    for name in ("mce", "ce.snow", "error.fog"):
        low, high = interval(values["alexnet"][name] - values["a"][name])
        assert (name in found) == (not low <= 0 <= high)
    twice = Outcomes("twin", outcomes[1].cells, outcomes[1].wrong)
    scores, _, found = leaders([*outcomes[:2], twice])
    assert scores["a"].mce == scores["twin"].mce < 100
    assert found == {}
    assert leaders(outcomes[:1])[2] == {}


def test_nobody_leads_over_other_cells():
    """A model that was measured on the easier half leads in no mean, only in what both were measured on alike."""
    hard, easy = ("fog", 5), ("fog", 1)
    cells = (CLEAN_CELL, ("snow", 1), easy, hard)
    wrong = np.zeros((4, 50), bool)
    wrong[3], wrong[0, :20], wrong[1, :20] = True, True, True
    both = [Outcomes("all", cells, wrong), Outcomes("half", cells[:3], np.zeros((3, 50), bool))]
    scores = score([each.table for each in both])
    assert not scores.same_cells
    found = leaders_of(resampled_scores(both, scores, resamples=200), both, scores)
    assert found == {"clean": "half", "error.snow": "half"}


def test_a_lead_in_the_clean_error_is_judged_as_in_a_comparison():
    """Fifty images without a single disagreement, or with two, decide nothing; ten of one side only do."""
    cells = (CLEAN_CELL, ("fog", 1))
    for only_a, leads in ((0, False), (2, False), (10, True)):
        wrong = np.zeros((2, 50), bool)
        wrong[0, :only_a] = True
        both = [Outcomes("a", cells, wrong), Outcomes("b", cells, np.zeros((2, 50), bool))]
        scores = score([each.table for each in both])
        values = resampled_scores(both, scores, resamples=200)
        assert ("clean" in leaders_of(values, both, scores)) is leads
