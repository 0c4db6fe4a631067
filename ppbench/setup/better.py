"""Would another set-up answer better than this one? A decision on the same images, paired."""

from math import comb

import numpy as np
import numpy.typing as npt

Right = npt.NDArray[np.bool_]

GAIN = 3.0
"""Points by which the error has to fall."""

CHANCE = 1e-3
"""Probability of a false alarm for a network, shared out over all set-ups that were tried."""


def clearly_better(now: Right, then: Right, tried: int) -> bool:
    """Return whether another set-up answers better, beyond chance and by `GAIN` points.

    McNemar's exact test, one-sided: of the images that only one of the two gets right, would so many be the other's
    if each were as likely? Bonferroni's share of `CHANCE` for each set-up.

    Args:
        now: which images are right with the set-up as it is, (n,).
        then: which would be, (n,).
        tried: how many set-ups were tried.
    """
    only_then, only_now = int((then & ~now).sum()), int((now & ~then).sum())
    if 100 * (only_then - only_now) < GAIN * len(now):
        return False
    differing = only_then + only_now
    tail, ways = 0, comb(differing, only_then)  # whole numbers: of thousands of images a float would overflow
    for count in range(only_then, differing + 1):
        tail += ways
        ways = ways * (differing - count) // (count + 1)
    return tail * tried * round(1 / CHANCE) < 1 << differing
