"""Stratified subsets."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ppbench.data.subset import stratified_rows

LABELS = st.lists(st.integers(0, 5), min_size=1, max_size=120).map(lambda values: np.array(values, np.int64))


@given(LABELS, st.data())
def test_rows_are_distinct_ascending_and_as_many_as_asked(labels: np.ndarray, data: st.DataObject) -> None:
    """A subset is without replacement and in the set's own order."""
    n = data.draw(st.integers(1, len(labels)))
    rows = stratified_rows(labels, n, seed=3)
    assert len(rows) == n
    assert (np.diff(rows) > 0).all()
    assert rows[0] >= 0
    assert rows[-1] < len(labels)


@given(LABELS, st.data())
def test_smaller_subsets_are_contained_in_larger_ones(labels: np.ndarray, data: st.DataObject) -> None:
    """More images of the same seed are the same images and others."""
    n = data.draw(st.integers(1, len(labels)))
    assert set(stratified_rows(labels, n, 0)) <= set(stratified_rows(labels, n + 1, 0))


@pytest.mark.parametrize("n", [1, 7, 10, 99, 100, 101, 999])
def test_equal_classes_differ_by_at_most_one_image(n: int) -> None:
    """Ten classes of 100: a subset of 100 has exactly ten of each."""
    labels = np.repeat(np.arange(10), 100)
    counts = np.bincount(labels[stratified_rows(labels, n, seed=1)], minlength=10)
    assert counts.max() - counts.min() <= (n % 10 > 0)


def test_unequal_classes_keep_their_shares() -> None:
    """900, 90 and 10 images of three classes: a tenth of the set has 90, 9 and 1 of them."""
    labels = np.repeat([0, 1, 2], [900, 90, 10])
    assert np.bincount(labels[stratified_rows(labels, 100, seed=5)]).tolist() == [90, 9, 1]


def test_the_seed_decides() -> None:
    """The same seed gives the same rows, another seed others; these rows hold on every platform."""
    labels = np.tile(np.arange(4), 25)
    assert stratified_rows(labels, 8, 0).tolist() == stratified_rows(labels, 8, 0).tolist()
    assert stratified_rows(labels, 8, 0).tolist() != stratified_rows(labels, 8, 1).tolist()
    assert stratified_rows(labels, 8, 0).tolist() == [0, 21, 43, 54, 66, 69, 72, 91]


def test_no_fewer_than_all() -> None:
    """Asking for more than there are gives all of them."""
    assert stratified_rows(np.array([1, 0, 1]), 9, 0).tolist() == [0, 1, 2]


@pytest.mark.parametrize("seed", [-1, -(2**200), 2**128, 2**130 + 5])
def test_every_integer_is_a_seed(seed: int) -> None:
    """A negative or a huge seed chooses a subset like any other."""
    labels = np.repeat(np.arange(4), 25)
    rows = stratified_rows(labels, 20, seed)
    assert len(set(rows.tolist())) == 20
    np.testing.assert_array_equal(rows, stratified_rows(labels, 20, seed % 2**128))
    assert not np.array_equal(rows, stratified_rows(labels, 20, seed + 1))
