"""Labels in another order than the network's, found from its answers."""

import numpy as np
import pytest

from ppbench.setup.class_order import best_order, judge

NAMES = [f"class {label}" for label in range(20)]


def _answers(classes: int, images: int, error: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Labels, and answers of which so many are drawn at random."""
    random = np.random.default_rng(seed)
    labels = random.integers(0, classes, images)
    return np.where(random.random(images) < error, random.integers(0, classes, images), labels), labels


@pytest.mark.parametrize("step, says", [(1, "labels lower by one"), (-1, "labels higher by one")])
def test_a_shift_by_one(step: int, says: str) -> None:
    """Labels that begin at 1, here or in the training, are named, with the error that they would have."""
    predictions, labels = _answers(10, 500, 0.2)
    right = 100 * (predictions != labels).mean()
    found = judge(predictions, (labels + step) % 10, 10, NAMES)
    assert found.state == "wrong"
    assert says in found.text
    assert f"the error would be {right:.1f} %" in found.text


def test_any_order() -> None:
    """A permutation is found on one half of the images and holds on the other; the classes concerned are named."""
    predictions, labels = _answers(10, 1000, 0.2)
    order = np.random.default_rng(1).permutation(10)
    found = judge(predictions, order[labels], 10, NAMES)
    assert found.state == "wrong"
    assert f"the error would be {100 * (predictions != labels).mean():.1f} %" in found.text
    np.testing.assert_array_equal(best_order(predictions, order[labels], 10), order)


def test_one_answer_to_everything_says_nothing_of_the_order() -> None:
    """It can be called the commonest label in any set: that is no other order of the classes."""
    labels = np.repeat([0, 1, 2], [750, 150, 100])
    for answer in (1, 2, 9):
        assert judge(np.full(1000, answer), labels, 10, NAMES).state == "ok"


def test_two_classes_that_were_swapped() -> None:
    """A tenth of a confusion is enough."""
    predictions, labels = _answers(10, 1000, 0.1)
    order = np.arange(10)
    order[[3, 5]] = 5, 3
    found = judge(predictions, order[labels], 10, NAMES)
    assert "class 3 is called class 5, class 5 is called class 3" in found.text.replace("  ", " ") or (
        "class 5 is called class 3, class 3 is called class 5" in found.text
    )


@pytest.mark.parametrize("inverse", [False, True])
def test_classes_sorted_as_text(inverse: bool) -> None:
    """0, 1, 10, 11, 2 … has a name of its own."""
    predictions, labels = _answers(12, 1200, 0.1)
    as_text = np.array(sorted(range(12), key=str))
    found = judge(predictions, (np.argsort(as_text) if inverse else as_text)[labels], 12, NAMES)
    assert found.state == "wrong"
    assert "sorted as text" in found.advice


@pytest.mark.parametrize("classes", [2, 10, 20])
@pytest.mark.parametrize("error", [0.3, 0.6, 1.0])
def test_no_false_alarm(classes: int, error: float) -> None:
    """Weak networks and pure guessing, 200 of each, on 200 images: no other order is ever claimed."""
    for seed in range(200):
        predictions, labels = _answers(classes, 200, error, seed)
        assert judge(predictions, labels, classes, NAMES).state == "ok"


def test_answers_that_are_not_finite_count_for_no_class() -> None:
    """They are errors under every order."""
    predictions, labels = _answers(10, 500, 0.1)
    predictions[:50] = -1
    assert judge(predictions, labels, 10, NAMES).state == "ok"
    assert judge(predictions, (labels + 1) % 10, 10, NAMES).state == "wrong"
