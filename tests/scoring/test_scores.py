"""Scores: what they are."""

import json
import statistics

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ppbench.scoring.cell import Cell
from ppbench.scoring.errors_table import ErrorTable
from ppbench.scoring.formulas import r_net
from ppbench.scoring.names import ALL, CORRUPTIONS, EXTRA, SEVERITIES
from ppbench.scoring.normaliser import Normaliser, load_normaliser, measured
from ppbench.scoring.scores import score

from .tables import counted_tables, published_2020, stated, subset

few = settings(max_examples=30, deadline=None)


def plain_scores(errors, clean, norm, norm_clean):
    """The definitions of Hendrycks & Dietterich, written down once more without any of ppbench's code."""
    ce, relative = {}, {}
    for c in errors:
        numerator = denominator = rise = norm_rise = 0.0
        for s in errors[c]:
            numerator += errors[c][s]
            denominator += norm[c][s]
            rise += errors[c][s] - clean
            norm_rise += norm[c][s] - norm_clean
        ce[c] = 100 * numerator / denominator
        relative[c] = 100 * rise / norm_rise
    benchmark = [c for c in errors if c not in ("speckle_noise", "gaussian_blur", "spatter", "saturate")]
    cells = [errors[c][s] for c in benchmark for s in errors[c]]
    return {
        "ce": ce,
        "relative": relative,
        "mce": statistics.mean(ce[c] for c in benchmark),
        "relative_mce": statistics.mean(relative[c] for c in benchmark),
        "mean_error": statistics.mean(cells),
    }


def as_dict(table):
    """Corruption -> severity -> error."""
    return {c: table.errors_of(c) for c in table.corruptions}


@few
@given(
    counted_tables("a", ALL), counted_tables("norm", ALL), st.sets(st.sampled_from(SEVERITIES), min_size=1)
)
def test_scores_agree_with_a_plain_implementation(table, norm, severities):
    """CE, mCE, relative CE, relative mCE and mean error are those of an independent loop, any severities."""
    table = subset(table, severities=severities)
    low = min(sum(norm.errors_of(c)[s] for s in severities) / len(severities) for c in norm.corruptions)
    norm = ErrorTable("norm", Cell.of_error(max(0.0, low - 1.0)), norm.cells)
    assume(low >= 1.0)
    mine = score([table], measured(norm))["a"]
    theirs = plain_scores(as_dict(table), table.clean.error, as_dict(norm), norm.clean.error)
    assert mine.mce == pytest.approx(theirs["mce"], rel=1e-9)
    assert mine.relative_mce == pytest.approx(theirs["relative_mce"], rel=1e-9, abs=1e-6)
    assert mine.mean_error == pytest.approx(theirs["mean_error"], rel=1e-9)
    assert mine.clean_error == table.clean.error
    for name in ALL:
        assert mine.row(name).ce == pytest.approx(theirs["ce"][name], rel=1e-9)
        assert mine.row(name).relative_ce == pytest.approx(theirs["relative"][name], rel=1e-9, abs=1e-6)


@few
@given(counted_tables("alexnet", ALL), st.sets(st.sampled_from(SEVERITIES), min_size=1))
def test_a_model_normalised_by_itself_has_exactly_100(table, severities):
    """Every CE and mCE of the measured normaliser is 100.0 to the last bit, and so is each relative CE."""
    table = subset(table, severities=severities)
    mine = score([table], measured(table))["alexnet"]
    assert mine.mce == 100.0
    assert {row.ce for row in (*mine.corruptions, *mine.extra)} == {100.0}
    assert {row.relative_ce for row in mine.corruptions} <= {100.0, None}
    assert mine.relative_mce in (100.0, None)


@few
@given(counted_tables("a"), st.randoms())
def test_the_order_of_cells_does_not_change_a_bit(table, random):
    """Cells given in another order give identical scores."""
    cells = list(table.cells.items())
    random.shuffle(cells)
    normaliser = load_normaliser("imagenet-c-alexnet")
    assert score([ErrorTable("a", table.clean, dict(cells))], normaliser) == score([table], normaliser)


@few
@given(counted_tables("a"), st.floats(0.1, 1.0))
def test_scaling_all_errors_scales_mce_and_mean_error(table, factor):
    """Half the errors are half the mCE, half the relative mCE and half the mean error."""
    normaliser = load_normaliser("imagenet-c-alexnet")
    smaller = ErrorTable(
        "a",
        Cell.of_error(table.clean.error * factor),
        {key: Cell.of_error(cell.error * factor) for key, cell in table.cells.items()},
    )
    before, after = score([table], normaliser)["a"], score([smaller], normaliser)["a"]
    assert after.mce == pytest.approx(factor * before.mce)
    assert after.relative_mce == pytest.approx(factor * before.relative_mce, abs=1e-9)
    assert after.mean_error == pytest.approx(factor * before.mean_error)


@few
@given(counted_tables("a", ALL), counted_tables("b", ALL))
def test_extra_corruptions_are_in_no_mean(table, other):
    """Whatever happens on the 4 extra corruptions, no mean moves."""
    mixed = ErrorTable(
        "a", table.clean, {key: (other if key[0] in EXTRA else table).cells[key] for key in table.cells}
    )
    normaliser = load_normaliser("cifar10-c-alexnet-2020")
    one, two = score([table], normaliser, "a")["a"], score([mixed], normaliser, "a")["a"]
    assert (one.mce, one.relative_mce, one.mean_error) == (two.mce, two.relative_mce, two.mean_error)
    assert [row.corruption for row in one.extra] == list(EXTRA)
    assert [row.corruption for row in one.corruptions] == list(CORRUPTIONS)


def test_severities_are_summed_before_dividing():
    """CE is the ratio of sums, not the mean of the severities' ratios."""
    table = stated("a", {"fog": [10, 10, 10, 10, 60]}, 5)
    norm = stated("n", {"fog": [20, 20, 20, 20, 20]}, 5)
    uneven = stated("n", {"fog": [10, 20, 20, 20, 30]}, 5)
    assert score([table], measured(norm))["a"].mce == pytest.approx(100.0)
    assert score([table], measured(uneven))["a"].mce == pytest.approx(100.0)  # mean of ratios would be 90


def test_mce_is_the_mean_of_ratios_not_the_ratio_of_means():
    """Each corruption weighs the same in mCE, however hard it is for AlexNet."""
    table = stated("a", {"fog": [20.0] * 5, "snow": [20.0] * 5}, 5)
    norm = stated("n", {"fog": [20.0] * 5, "snow": [80.0] * 5}, 5)
    mine = score([table], measured(norm))["a"]
    assert mine.mce == pytest.approx((100 + 25) / 2)
    assert mine.mce != pytest.approx(100 * 20 / 50)
    assert mine.mean_error == pytest.approx(20.0)


@pytest.mark.parametrize(
    "model, clean, mce, relative, mean15, mean19",
    [("resnet-20", 7.56, 104, 169, 31.49, 30.29), ("resnet-20-pp", 8.29, 101, 158, 30.53, None)],
)
def test_the_2020_paper_is_reproduced(test_data, model, clean, mce, relative, mean15, mean19):
    """The published errors of the 2020 checkpoints give the paper's mCE and rCE, over 19 corruptions."""
    table = published_2020(test_data / "pushpull-2020" / model, clean)
    mine = score([table], load_normaliser("cifar10-c-alexnet-2020"))[model]
    rows = [*mine.corruptions, *mine.extra]
    assert round(statistics.mean(row.ce for row in rows)) == mce
    assert round(statistics.mean(row.relative_ce for row in rows)) == relative
    assert round(mine.mean_error, 2) == mean15
    if mean19:  # the paper prints two different values for resnet-20-pp
        assert round(statistics.mean(row.mean_error for row in rows), 2) == pytest.approx(mean19, abs=0.011)


# E, mean error (which the paper calls mCE) and R_net of ResNet-50 on ImageNet-C, from the paper's README.
PUBLISHED_R_NET = [
    (0.282, 0.645, 1.67), (0.276, 0.645, 2.79), (0.269, 0.630, 6.86), (0.283, 0.604, 9.05),
    (0.269, 0.612, 10.14), (0.287, 0.590, 10.97), (0.298, 0.522, 21.57), (0.306, 0.4995, 24.31),
]  # fmt: skip


@pytest.mark.parametrize("clean, mean, published", [(0.269, 0.667, 0.0), *PUBLISHED_R_NET])
def test_r_net_is_that_of_the_papers_table(clean, mean, published):
    """R_net of the published rows is met as closely as their three-decimal inputs allow."""
    # Inputs are rounded to ±0.0005: four of them move the numerator by 0.002, E_b moves the denominator.
    slack = 100 * 0.002 / (2 * 0.269) + abs(published) * 0.0005 / 0.269
    assert r_net(100 * clean, 100 * mean, 26.9, 66.7) == pytest.approx(published, abs=slack)
    assert r_net(100 * clean, 100 * mean, 26.9, 66.7) == pytest.approx(published, abs=0.09)


def test_r_net_of_tables_compares_with_the_named_baseline():
    """The baseline has R_net 0; another model gains by its clean and its mean error alike."""
    base = stated("resnet", {c: [40.0] * 5 for c in CORRUPTIONS}, 10)
    better = stated("pp", {c: [38.0] * 5 for c in CORRUPTIONS}, 11)
    scores = score([base, better], load_normaliser("imagenet-c-alexnet"), baseline="resnet")
    assert scores["resnet"].r_net == 0.0
    assert scores["pp"].r_net == pytest.approx(100 * (-1 + 2) / 20)
    assert scores.baseline == "resnet"


@few
@given(counted_tables("a", ("fog",)), st.sets(st.sampled_from(SEVERITIES), min_size=1))
def test_slopes_are_least_squares(table, severities):
    """The slope is numpy's straight-line fit of error over severity; one severity has none."""
    row = score([subset(table, severities=severities)])["a"].row("fog")
    if len(severities) == 1:
        assert row.slope is None
    else:
        x = sorted(severities)
        assert row.slope == pytest.approx(
            np.polyfit(x, [table.errors_of("fog")[s] for s in x], 1)[0], abs=1e-9
        )


@few
@given(counted_tables("a", ALL, least=0), counted_tables("b", ALL, least=0))
def test_every_score_is_json(one, two):
    """The scores of any two tables are valid JSON without NaN, and read back equal."""
    data = score([one, two], measured(two), baseline="a").to_dict()
    assert json.loads(json.dumps(data, allow_nan=False)) == data


def test_a_normaliser_is_plain_data():
    """A normaliser made by hand scores as any other."""
    mine = Normaliser("n", "d", "s", clean=None, per_severity={}, mean={"fog": 50.0})
    table = stated("a", {"fog": [10.0, 20.0, 30.0, 40.0, 50.0]}, 5.0)
    assert score([table], mine)["a"].mce == pytest.approx(60.0)


def test_scores_are_asked_as_a_dictionary_is() -> None:
    """By name, with `in`, in a loop: what everybody tries first."""
    names = ["a", "b"]
    cells = {(c, s): Cell(100, 10) for c in CORRUPTIONS for s in SEVERITIES}
    found = score([ErrorTable(name, Cell(100, 5), cells) for name in names], None)
    assert list(found) == names
    assert len(found) == len(names)
    assert names[0] in found
    assert "nobody" not in found
    assert [(name, scores.model) for name, scores in found.items()] == [(name, name) for name in names]
