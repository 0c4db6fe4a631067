"""Wilson's interval of a cell."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from ppbench.scoring.interval import wilson


@st.composite
def counts(draw):
    """Misclassified images of some images."""
    n = draw(st.integers(1, 60_000))
    return draw(st.integers(0, n)), n


@given(counts(), st.sampled_from([0.5, 0.9, 0.95, 0.99]))
def test_it_agrees_with_scipy(cell, level):
    """The bounds are those of scipy's own Wilson interval, in per cent."""
    errors, n = cell
    theirs = binomtest(errors, n).proportion_ci(level, method="wilson")
    assert wilson(errors, n, level) == pytest.approx((100 * theirs.low, 100 * theirs.high), abs=1e-8)


@given(counts())
def test_it_holds_the_observed_error_and_stays_a_percentage(cell):
    """The interval lies within 0..100 and the observed error within it."""
    errors, n = cell
    low, high = wilson(errors, n)
    assert 0 <= low <= 100 * errors / n <= high <= 100


def test_no_error_and_only_errors_have_exact_ends():
    """No rounding dust at the ends: 0 errors start at 0.0, n errors end at 100.0."""
    assert wilson(0, 500)[0] == 0.0
    assert wilson(500, 500)[1] == 100.0


@pytest.mark.parametrize(
    "errors, n, level", [(-1, 5, 0.95), (6, 5, 0.95), (0, 0, 0.95), (1, 5, 0.0), (1, 5, 1.0)]
)
def test_impossible_counts_and_levels_are_refused(errors, n, level):
    """A count outside 0..n, no images, or a level that is no probability raises ValueError."""
    with pytest.raises(ValueError, match="expected"):
        wilson(errors, n, level)
