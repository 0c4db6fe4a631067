"""Paired tests and the correction for many of them."""

from fractions import Fraction
from itertools import product
from math import comb

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from statsmodels.stats.contingency_tables import mcnemar as their_mcnemar
from statsmodels.stats.multitest import multipletests

from ppbench.scoring.significance import holm, mcnemar, sign_flip


@given(st.integers(0, 3000), st.integers(0, 3000))
@example(15, 1060)
@example(0, 3000)
def test_mcnemar_agrees_with_statsmodels(only_a, only_b):
    """The exact p-value is that of statsmodels, small ones to 8 digits.

    Below 1e-280 theirs may be 0, for want of range: there the oracle is the binomial sum in whole numbers.
    """
    theirs = their_mcnemar([[5, only_a], [only_b, 7]], exact=True).pvalue
    if theirs < 1e-280:
        tail = sum(comb(only_a + only_b, k) for k in range(min(only_a, only_b) + 1))
        theirs = float(Fraction(2 * tail, 2 ** (only_a + only_b)))
    assert mcnemar(only_a, only_b) == pytest.approx(theirs, rel=1e-8, abs=1e-300)


def test_mcnemar_without_disagreement_says_nothing():
    """No image on which the models differ: p = 1. Counts below 0 are refused."""
    assert mcnemar(0, 0) == 1.0
    assert mcnemar(0, 1) == 1.0
    assert mcnemar(0, 6) == pytest.approx(2 / 64)
    with pytest.raises(ValueError, match="expected counts of at least 0"):
        mcnemar(-1, 3)


@given(st.lists(st.integers(-5, 5), min_size=1, max_size=11))
def test_sign_flip_counts_all_sign_patterns(differences):
    """The p-value is the share of all 2**N sign patterns with a sum at least as far from 0, counted one by one."""
    sums = [abs(sum(s * d for s, d in zip(signs, differences, strict=True)))
            for signs in product((-1, 1), repeat=len(differences))]  # fmt: skip
    share = sum(total >= abs(sum(differences)) for total in sums) / len(sums)
    assert sign_flip(np.array(differences)) == pytest.approx(share, abs=1e-11)


@given(st.integers(0, 400), st.integers(0, 400))
def test_with_one_cell_it_is_mcnemars_test(only_a, only_b):
    """Differences of -1, 0 and 1 give the exact McNemar p-value."""
    differences = np.array([1] * only_a + [-1] * only_b + [0] * 10)
    assert sign_flip(differences) == pytest.approx(mcnemar(only_a, only_b), abs=1e-11)


@pytest.mark.parametrize("images", [10_000, 50_000])
def test_a_large_set_agrees_with_the_normal_limit(images):
    """For thousands of images the p-value is that of the normal distribution, whichever model is the worse."""
    from scipy.stats import norm

    generator = np.random.default_rng(images)
    differences = generator.integers(-2, 3, size=images)
    differences[: images // 50] += 1
    spread = np.sqrt((differences**2).sum())
    # Half a step inwards: the sum moves in steps of 2.
    normal = 2 * norm.sf((abs(differences.sum()) - 1) / spread)
    assert sign_flip(differences) == pytest.approx(normal, rel=0.03)
    assert sign_flip(-differences) == pytest.approx(sign_flip(differences), abs=1e-11)


@settings(max_examples=50)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=20))
def test_holm_agrees_with_statsmodels(p_values):
    """The corrected p-values are those of statsmodels, in the order given."""
    assert holm(p_values) == pytest.approx(list(multipletests(p_values, method="holm")[1]))


def test_nothing_to_correct():
    """No test, no correction."""
    assert holm([]) == []
