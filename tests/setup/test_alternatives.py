"""Would another set-up answer better? The test, and what is tried."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import binom

from ppbench.models.input_spec import InputSpec, default_spec
from ppbench.setup.alternatives import Alternative, alternatives, promising, settled
from ppbench.setup.better import CHANCE, clearly_better
from tests.models.specs import PUSHPULL_2020


def _pair(only_now: int, only_then: int, images: int = 500) -> tuple[np.ndarray, np.ndarray]:
    now, then = np.zeros(images, bool), np.zeros(images, bool)
    now[:only_now] = True
    then[only_now : only_now + only_then] = True
    return now, then


@pytest.mark.parametrize("only_now", [0, 3, 20, 100])
@pytest.mark.parametrize("tried", [1, 11])
def test_the_exact_test(only_now: int, tried: int) -> None:
    """McNemar's exact test as the binomial of another library has it, with Bonferroni's share of the chance."""
    for only_then in range(only_now + 15, only_now + 120):  # a gain of 3 points or more
        now, then = _pair(only_now, only_then)
        p = binom.sf(only_then - 1, only_now + only_then, 0.5)
        assert clearly_better(now, then, tried) == (p * tried < CHANCE)


def test_a_small_gain_is_none() -> None:
    """Below 3 points nothing is said, however certain."""
    assert not clearly_better(*_pair(0, 14), 1)
    assert clearly_better(*_pair(0, 15), 1)
    assert not clearly_better(*_pair(0, 299, 10_000), 1)


def test_thousands_of_images_are_counted_exactly() -> None:
    """No float overflows."""
    assert clearly_better(*_pair(3000, 4000, 50_000), 3) is False  # 2 points
    assert clearly_better(*_pair(3000, 6000, 50_000), 3)


def test_false_alarms_are_as_rare_as_promised() -> None:
    """Ten set-ups that are no better, 2,000 times: one in a thousand may look so."""
    random = np.random.default_rng(0)
    alarms = 0
    for _ in range(2000):
        now = random.random(64) < 0.7
        others = [random.random(64) < 0.7 for _ in range(10)]
        alarms += any(clearly_better(now, then, len(others)) for then in others)
    assert alarms <= 6


def test_what_is_tried_is_not_what_is_there() -> None:
    """A normalisation that is nearly the one in use is left out; the size is tried where the spec changes it."""
    told = [each.told for each in alternatives(default_spec(32), 32)]
    assert "CIFAR's mean and std" not in told
    assert "ImageNet's mean and std" in told
    assert "the images as they are, neither resized nor cropped" not in told
    assert "CIFAR's mean and std" not in [each.told for each in alternatives(PUSHPULL_2020, 32)]
    inside = replace(default_spec(32), normalised_inside=True)
    assert not any("0..1" in each.told for each in alternatives(inside, 32))
    resized = InputSpec(24, (0.5,) * 3, (0.5,) * 3, resize=24)
    plain = alternatives(resized, 32)[-1]
    assert (plain.spec.size, plain.spec.resize) == (32, None)


def test_the_best_is_taken() -> None:
    """Of several that answer better, the one that answers most; none where none does."""
    now = np.arange(64) < 20
    ways = [Alternative(name, "?", default_spec(32)) for name in "abc"]
    tried = list(zip(ways, (np.arange(64) < right for right in (50, 60, 10)), strict=True))
    assert settled(now, tried) is ways[1]
    assert settled(now, tried[2:]) is None
    assert promising(now, tried[2:]) is None
    assert promising(now, [(ways[0], np.arange(64) < 21)]) is ways[0]
