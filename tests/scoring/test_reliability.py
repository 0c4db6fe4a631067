"""Reliability bins: the pieces that the expected calibration error is made of."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ppbench.scoring.calibration import expected_calibration_error
from ppbench.scoring.reliability import Bin, reliability

answers = st.lists(st.tuples(st.floats(0, 1, width=32), st.booleans()), min_size=1, max_size=60)


@given(answers)
def test_their_gaps_sum_to_the_expected_calibration_error(found):
    """Weighted by its images, |accuracy − confidence| of the bins is the ECE of equal width."""
    sure, right = np.array([s for s, _ in found], np.float32), np.array([r for _, r in found])
    bins = reliability(sure, right)
    gap = sum(each.images * abs(each.accuracy - each.confidence) for each in bins) / len(found)
    np.testing.assert_allclose(gap, expected_calibration_error(sure, right, "width"), atol=1e-9)
    assert sum(each.images for each in bins) == len(found)
    assert list(bins) == sorted(bins, key=lambda each: each.confidence)


def test_by_hand():
    """Two images at 95 %, one right; one at 10 %, wrong: bins without images are left out."""
    assert reliability(np.array([0.95, 0.1, 0.95]), np.array([True, False, False]), bins=10) == (
        Bin(10.0, 0.0, 1),
        Bin(95.0, 50.0, 2),
    )
