"""Calibration against independent implementations."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.calibration import calibration_curve
from sklearn.metrics import log_loss

from ppbench.errors import InputError
from ppbench.scoring.calibration import calibration, expected_calibration_error


def predictions(seed, images=400, classes=10, sharpness=2.0):
    """Probabilities (N, C) and labels of a model that is right more often than not."""
    generator = np.random.default_rng(seed)
    labels = generator.integers(0, classes, images)
    logits = sharpness * generator.normal(size=(images, classes))
    logits[np.arange(images), labels] += 2
    p = np.exp(logits - logits.max(axis=1, keepdims=True))
    return p / p.sum(axis=1, keepdims=True), labels


def measured(p, labels):
    """What the evaluation keeps of probabilities."""
    return calibration(*kept(p, labels), p.argmax(axis=1) == labels)


def kept(p, labels):
    """NLL, Brier and confidence of each image; Brier in the form that needs no one-hot vectors."""
    true = p[np.arange(len(labels)), labels]
    return -np.log(true), (p**2).sum(axis=1) - 2 * true + 1, p.max(axis=1)


def loop_ece(confidence, correct, edges):
    """Expected calibration error bin by bin; `edges` are the index ranges of sorted images."""
    total = 0.0
    for part in edges:
        if len(part):
            total += abs(sum(correct[i] for i in part) - sum(confidence[i] for i in part))
    return 100 * total / len(confidence)


@pytest.mark.parametrize("seed", range(5))
def test_nll_and_brier_agree_with_independent_implementations(seed):
    """NLL is scikit-learn's log loss; Brier is the squared distance to the one-hot label, class by class."""
    p, labels = predictions(seed)
    found = measured(p, labels)
    assert found.nll == pytest.approx(log_loss(labels, p, labels=range(10)))
    one_hot = np.eye(10)[labels]
    assert found.brier == pytest.approx(((p - one_hot) ** 2).sum(axis=1).mean())


@pytest.mark.parametrize("seed", range(5))
def test_equal_width_agrees_with_scikit_learn(seed):
    """The gaps of scikit-learn's calibration curve, weighted by images per bin, are the ECE."""
    p, labels = predictions(seed)
    confidence, correct = p.max(axis=1), p.argmax(axis=1) == labels
    accuracy, mean = calibration_curve(correct, confidence, n_bins=15)
    counts = np.histogram(np.ceil(confidence * 15), np.arange(0.5, 16))[0]
    theirs = 100 * (np.abs(accuracy - mean) * counts[counts > 0]).sum() / len(labels)
    assert measured(p, labels).ece_width == pytest.approx(theirs)


@pytest.mark.parametrize("images", [1, 7, 15, 16, 400, 1009])
def test_equal_mass_agrees_with_a_plain_loop(images):
    """Sorted images in 15 parts whose sizes differ by at most one."""
    p, labels = predictions(3, images)
    confidence, correct = p.max(axis=1), p.argmax(axis=1) == labels
    order = sorted(range(images), key=lambda i: confidence[i])
    parts, start = [], 0
    for k in range(15):
        size = images // 15 + (k < images % 15)
        parts.append(order[start : start + size])
        start += size
    assert measured(p, labels).ece_mass == pytest.approx(loop_ece(confidence, correct, parts))


def test_a_value_on_an_edge_belongs_to_the_bin_below():
    """Bins are open below and closed above: 0.4 = 6/15 is in the sixth; 0 is in the first, 1 in the last."""
    confidence = np.array([0.4, 0.39, 0.41, 0.0, 1.0])
    correct = np.array([True, False, True, False, True])
    expected = 100 * (abs(1 - 0.79) + abs(1 - 0.41) + 0 + 0) / 5
    assert expected_calibration_error(confidence, correct, "width") == pytest.approx(expected)


@settings(max_examples=50)
@given(
    st.lists(st.tuples(st.sampled_from([0.2, 0.5, 0.5001, 0.9, 1.0]), st.booleans()), min_size=1),
    st.randoms(),
)
def test_the_order_of_images_means_nothing(pairs, random):
    """Shuffled images have the same ECE, many of one confidence too."""
    shuffled = list(pairs)
    random.shuffle(shuffled)
    for equal in ("width", "mass"):
        one, two = (
            expected_calibration_error(np.array([c for c, _ in each]), np.array([r for _, r in each]), equal)
            for each in (pairs, shuffled)
        )
        assert one == pytest.approx(two, abs=1e-9)
        assert 0 <= one <= 100


def test_a_perfect_and_an_overconfident_model():
    """Certain and right scores 0 in everything; certain and always wrong has ECE 100 and Brier 2."""
    ones = np.ones(30)
    perfect = calibration(0 * ones, 0 * ones, ones, np.ones(30, bool))
    assert (perfect.nll, perfect.brier, perfect.ece_width, perfect.ece_mass) == (0, 0, 0, 0)
    wrong = calibration(np.full(30, np.inf), 2 * ones, ones, np.zeros(30, bool))
    assert (wrong.nll, wrong.brier, wrong.ece_width, wrong.ece_mass) == (None, 2, 100, 100)


def test_single_precision_is_enough():
    """Numbers kept as float32 give the calibration of float64 to a thousandth of a point."""
    p, labels = predictions(4)
    short = calibration(*(each.astype(np.float32) for each in kept(p, labels)), p.argmax(axis=1) == labels)
    full = measured(p, labels)
    for name in ("nll", "brier", "ece_width", "ece_mass"):
        assert getattr(short, name) == pytest.approx(getattr(full, name), abs=1e-3)


def test_what_is_no_probability_is_refused():
    """Different lengths, no image, NaN, or a value outside its range: one line."""
    good = (np.zeros(3), np.ones(3), np.ones(3), np.ones(3, bool))
    for place, bad in (
        (0, np.zeros(2)), (0, np.full(3, -0.1)), (0, np.full(3, np.nan)), (1, np.full(3, np.nan)),
        (1, np.full(3, 2.1)), (2, np.full(3, 1.1)), (2, np.full(3, np.nan)), (2, np.full(3, -0.1)),
    ):  # fmt: skip
        with pytest.raises(InputError, match="expected"):
            calibration(*good[:place], bad, *good[place + 1 :])
    with pytest.raises(InputError, match="at least one image"):
        calibration(*(each[:0] for each in good))
