"""Comparing two models, paired by image."""

import json

import numpy as np
import pytest
from statsmodels.stats.contingency_tables import mcnemar as their_mcnemar

from ppbench.errors import InputError
from ppbench.scoring import comparison
from ppbench.scoring.interval import paired
from ppbench.scoring.names import CORRUPTIONS, EXTRA, SEVERITIES
from ppbench.scoring.normaliser import load_normaliser, measured
from ppbench.scoring.outcomes import CLEAN_CELL, Outcomes
from ppbench.scoring.pairing import pair
from ppbench.scoring.scores import score

from .images import Population

STRENGTHS = {"alexnet": 1.0, "a": 2.0, "b": 2.4}


def scored(outcomes, normaliser="measured"):
    """The scores of outcomes, the first being the measured normaliser."""
    divisor = measured(outcomes[0].table) if normaliser == "measured" else normaliser
    return score([each.table for each in outcomes], divisor, baseline=outcomes[0].model)


def compare(*arguments, **options):
    """Pair two models and compare them."""
    return comparison.compare(pair(*arguments, **options))


def flipped(outcomes, name, cells, images):
    """The same outcomes under another name, with some images put right in some cells."""
    wrong = outcomes.wrong.copy()
    for cell in cells:
        wrong[outcomes.row[cell], images] = False
    return Outcomes(name, outcomes.cells, wrong)


@pytest.fixture(scope="module")
def outcomes():
    """Three models on 500 images; b is stronger than a, a than alexnet."""
    return Population().outcomes(np.random.default_rng(1), 500, STRENGTHS)


def test_a_stronger_model_is_better(outcomes):
    """Below 0 the second model is better; turned round, the same differences are worse, to the bit of the test."""
    scores = scored(outcomes)
    there = compare(outcomes, scores, "a", "b", resamples=500)
    back = compare(outcomes, scores, "b", "a", resamples=500)
    for name in ("clean", "mean_error", "mce", "ce.fog"):
        one, two = there.difference(name), back.difference(name)
        assert (one.verdict, two.verdict) == ("better", "worse")
        assert one.low <= one.difference <= one.high < 0
        assert two.difference == -one.difference
        assert (two.low, two.high) == pytest.approx((-one.high, -one.low))
        assert (one.p, one.p_holm) == (two.p, two.p_holm)


def test_differences_are_those_of_the_scores(outcomes):
    """Every difference is the second model's score minus the first's."""
    scores = scored(outcomes)
    found = compare(outcomes, scores, "a", "b", resamples=50)
    assert [each.score for each in found.headlines] == ["clean", "mean_error", "mce", "relative_mce"]
    assert [each.score for each in found.corruptions] == [f"ce.{name}" for name in CORRUPTIONS]
    assert len(found.cells) == 75
    for each in (*found.headlines, *found.corruptions):
        assert each.first == pytest.approx(scores["a"].by_name[each.score])
        assert each.second == pytest.approx(scores["b"].by_name[each.score])
        assert each.difference == each.second - each.first
    cell = found.difference("cell.fog.5")
    assert cell.first == pytest.approx(outcomes[1].table.cells["fog", 5].error)


def test_cells_have_mcnemars_exact_test(outcomes):
    """The p-value of each cell and of the clean error is statsmodels', from the images on which they differ."""
    found = compare(outcomes, scored(outcomes), "a", "b", resamples=20)
    a, b = outcomes[1], outcomes[2]
    for cell, row in a.row.items():
        first, second = a.wrong[row], b.wrong[row]
        table = [[(first & second).sum(), (first & ~second).sum()], [(~first & second).sum(), 0]]
        name = "clean" if cell == CLEAN_CELL else f"cell.{cell[0]}.{cell[1]}"
        assert found.difference(name).p == pytest.approx(their_mcnemar(table, exact=True).pvalue, rel=1e-8)


def test_a_model_and_itself_are_undecided(outcomes):
    """The same answers: every difference is 0, every p-value 1, nothing is decided."""
    twin = Outcomes("twin", outcomes[1].cells, outcomes[1].wrong)
    both = [outcomes[0], outcomes[1], twin]
    found = compare(both, scored(both), "a", "twin", resamples=100)
    for each in (*found.headlines, *found.corruptions, *found.cells):
        assert (each.difference, each.verdict) == (0, "undecided")
        assert each.p in (1.0, None)
        assert each.low <= 0 <= each.high


def test_holm_keeps_one_lucky_corruption_from_deciding(outcomes):
    """A p-value of about 0.02 on one corruption of 15 decides nothing; far smaller ones do."""
    a = outcomes[1]
    cells = [("fog", s) for s in SEVERITIES]
    wrong = np.flatnonzero(a.wrong[a.row["fog", 1]])
    for count, verdict in ((6, "undecided"), (20, "better")):
        b = flipped(a, "b", cells[:1], wrong[:count])
        found = compare([outcomes[0], a, b], scored([outcomes[0], a, b]), "a", "b", resamples=50)
        fog = found.difference("ce.fog")
        assert fog.p == pytest.approx(2 / 2**count)
        assert fog.p_holm == pytest.approx(min(1, 15 * fog.p))
        assert fog.verdict == verdict


def test_extra_corruptions_are_no_part_of_the_family():
    """The correction is over the 15; an extra corruption keeps its own p-value and takes no share of theirs."""
    cells = (CLEAN_CELL, *((c, s) for c in ("fog", EXTRA[0]) for s in SEVERITIES))
    generator = np.random.default_rng(2)
    a = Outcomes("a", cells, generator.random((11, 300)) < 0.5)
    b = Outcomes("b", cells, generator.random((11, 300)) < 0.3)
    found = compare([a, b], scored([a, b], None), "a", "b", resamples=50)
    fog, extra = found.corruptions
    assert (fog.score, extra.score) == ("error.fog", f"error.{EXTRA[0]}")
    assert fog.p_holm == fog.p
    assert extra.p_holm is None
    assert extra.verdict == "better"
    assert [each.score for each in found.headlines] == ["clean", "mean_error"]


def test_pairing_makes_the_interval_of_a_difference_narrow(outcomes):
    """Two models that share most mistakes differ with far less uncertainty than either score has by itself."""
    a = outcomes[1]
    b = flipped(a, "b", [("fog", s) for s in SEVERITIES], np.arange(0, 500, 50))
    both = [outcomes[0], a, b]
    mce = compare(both, scored(both, load_normaliser("imagenet-c-alexnet")), "a", "b").difference("mce")
    from tests.scoring.intervals import score_intervals

    low, high = score_intervals(both, scored(both, load_normaliser("imagenet-c-alexnet")))["a"]["mce"]
    assert mce.high - mce.low < 0.1 * (high - low)


@pytest.mark.slow
def test_the_paired_interval_covers_the_true_difference():
    """Over 1,500 made-up experiments the intervals of the differences hold the truth in 93–97 % of them."""
    population = Population(("gaussian_noise", "fog"), (1, 3, 5))
    generator = np.random.default_rng(3)
    many = population.outcomes(generator, 2_000_000, STRENGTHS)
    scores = scored(many)
    truth = {name: scores["b"].by_name[name] - scores["a"].by_name[name]
             for name in ("clean", "mean_error", "mce", "ce.fog")}  # fmt: skip
    errors = [each.table.cells["fog", 5].error for each in many]
    truth["cell.fog.5"] = errors[2] - errors[1]
    hits = dict.fromkeys(truth, 0)
    trials = 1500
    for trial in range(trials):
        outcomes = population.outcomes(generator, 400, STRENGTHS)
        found = compare(outcomes, scored(outcomes), "a", "b", resamples=500, seed=trial)
        for name, value in truth.items():
            each = found.difference(name)
            hits[name] += each.low <= value <= each.high
    shares = {name: count / trials for name, count in hits.items()}
    assert all(0.93 <= share <= 0.97 for share in shares.values()), shares


def test_the_interval_of_one_cell_does_not_vanish_with_the_disagreement():
    """No disagreement among 200 images still leaves room for a true difference of about a point."""
    low, high = paired(0, 0, 200)
    assert low == -high
    assert 1.0 < high < 1.6
    assert paired(0, 0, 20_000)[1] < 0.02
    assert paired(5, 0, 200) == tuple(-end for end in reversed(paired(0, 5, 200)))
    assert paired(200, 0, 200)[0] >= -100


@pytest.mark.parametrize(
    "only_a, only_b, n, level", [(3, 3, 5, 0.95), (-1, 0, 5, 0.95), (0, 0, 0, 0.95), (0, 0, 5, 2)]
)
def test_impossible_disagreements_are_refused(only_a, only_b, n, level):
    """More disagreements than images, negative counts or a level that is no probability raise ValueError."""
    with pytest.raises(ValueError, match="expected"):
        paired(only_a, only_b, n, level)


def test_a_comparison_is_json(outcomes):
    """Everything a comparison holds is plain data without NaN."""
    found = compare(outcomes, scored(outcomes), "a", "b", resamples=20)
    data = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert (data["first"], data["second"], data["images"]) == ("a", "b", 500)
    assert data["headlines"][2]["score"] == "mce"


def test_what_cannot_be_paired_is_refused(outcomes):
    """An unknown model and models on different cells are refused by name."""
    scores = scored(outcomes)
    with pytest.raises(InputError, match="unknown model 'alexnt': did you mean 'alexnet'"):
        compare(outcomes, scores, "a", "alexnt")
    less = Outcomes("b", outcomes[2].cells[:-1], outcomes[2].wrong[:-1])
    short = [outcomes[0], outcomes[1], less]
    with pytest.raises(
        InputError, match="expected a and b on the same cells, got jpeg_compression,5 of one only"
    ):
        compare(short, scored(short), "a", "b")
    with pytest.raises(InputError, match=r"unknown score 'ce\.fgo': did you mean 'ce\.fog'"):
        compare(outcomes, scores, "a", "b", resamples=20).difference("ce.fgo")
