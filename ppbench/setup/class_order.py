"""Are the labels in the order that the network was trained with? Its own answers to clean images tell."""

from collections.abc import Sequence
from math import sqrt

import numpy as np
import numpy.typing as npt

from ppbench.setup.better import Right, clearly_better
from ppbench.setup.finding import Finding

CLASS_ORDER = "class order"

_ADVICE = "is the order of the classes that of the training?"

Classes = npt.NDArray[np.int64]
Order = npt.NDArray[np.int64]
"""(C,): the label that each class of the network would have."""

_TRIED = 3  # two shifts and the best order


_SHIFTS = (
    (1, "do they begin at 1 here?"),
    (-1, "did they begin at 1 in the training? Then roll its outputs by one, in a FILE.py:factory"),
)
"""Labels that are off by one, and what to ask."""


def judge(predictions: Classes, labels: Classes, num_classes: int, names: Sequence[str]) -> Finding:
    """Look for another order of the labels under which the answers would be right more often.

    Shifts by one are tried as they are. The best order of all is fitted to one half of the images and tried on the
    other half, and the other way round, so that it cannot gain by chance.

    Args:
        predictions: (N,), below 0 where an answer was not finite.
        labels: (N,).
        num_classes: of the set.
        names: of the classes, label 0 first.
    """
    now, then = predictions == labels, _held_out(predictions, labels, num_classes)
    enough = _more_than_one_class_explains(labels)
    for step, question in _SHIFTS:
        told = f"with labels {'lower' if step > 0 else 'higher'} by one"
        shifted = np.where(predictions < 0, -1, (predictions + step) % num_classes) == labels
        if shifted.sum() >= max(then.sum(), enough) and clearly_better(now, shifted, _TRIED):
            return Finding(CLASS_ORDER, "wrong", f"{told}, {_fall(shifted, now)}", question)
    if then.sum() < enough or not clearly_better(now, then, _TRIED):
        return Finding(CLASS_ORDER, "ok", "no other order of the labels fits the answers better")
    order = best_order(predictions, labels, num_classes)
    moved = np.flatnonzero(order != np.arange(num_classes))
    as_text = np.array(sorted(range(num_classes), key=str))
    if np.array_equal(order[moved], as_text[moved]) or np.array_equal(
        order[moved], np.argsort(as_text)[moved]
    ):
        why = "they look sorted as text, 0, 1, 10, 2: --classes numbers or --classes FILE says another order"
        return Finding(CLASS_ORDER, "wrong", f"with the labels in another order, {_fall(then, now)}", why)
    seen = sorted(moved.tolist(), key=lambda label: -int((predictions == label).sum()))[:3]
    some = ", ".join(f"{names[label]} is called {names[int(order[label])]}" for label in seen)
    text = f"with the labels in another order, {_fall(then, now)} (what the network takes for {some} here)"
    return Finding(CLASS_ORDER, "wrong", text, _ADVICE)


def _more_than_one_class_explains(labels: Classes) -> float:
    """Return how many answers must be right under an order before it says anything.

    A network that answers one class to nearly everything is right as often as that class can be made the commonest
    label, whatever the order: that share, plus half as much again (5 points at most) and three standard deviations.
    """
    share = np.bincount(labels).max() / len(labels)
    limit = share + min(share / 2, 0.05) + 3 * sqrt(share * (1 - share) / len(labels))
    return float(limit * len(labels))


def best_order(predictions: Classes, labels: Classes, num_classes: int) -> Order:
    """Return which label each class of the network should have so that most answers are right.

    Args:
        predictions: (N,), below 0 where an answer was not finite.
        labels: (N,).
        num_classes: of the set.
    """
    # Imported here: it is needed only where something is wrong.
    from scipy.optimize import linear_sum_assignment

    finite = predictions >= 0
    counts = np.zeros((num_classes, num_classes))
    np.add.at(counts, (predictions[finite], labels[finite]), 1)
    # Where the images do not say, a class keeps its label.
    _, order = linear_sum_assignment(counts + 0.5 * np.eye(num_classes), maximize=True)
    return np.asarray(order, np.int64)


def _held_out(predictions: Classes, labels: Classes, num_classes: int) -> Right:
    """Return which images would be right, each under the order that fits the other half best."""
    half = np.random.default_rng(0).permutation(len(labels)) % 2 == 0
    right = np.zeros(len(labels), bool)
    for part in (half, ~half):
        order = best_order(predictions[~part], labels[~part], num_classes)
        there = predictions[part]
        right[part] = (there >= 0) & (order[there] == labels[part])
    return right


def _fall(then: Right, now: Right) -> str:
    return f"the error would be {100 * (~then).mean():.1f} % instead of {100 * (~now).mean():.1f} %"
