"""A subset of a labelled set that keeps its class balance."""

import numpy as np
from numpy.typing import NDArray

from ppbench.data.draws import Draws


def stratified_rows(labels: NDArray[np.int64], n: int, seed: int) -> NDArray[np.int64]:
    """Choose `n` rows without replacement, each class in proportion, as a pure function of labels, n and seed.

    Seats go to classes by the Webster / Sainte-Laguë method: the r-th image of a class of c has the quotient
    (r + ½)/c, and the n smallest quotients are taken, ties by lot. So equal classes differ by at most one image,
    and a subset of n images is contained in every larger one of the same seed.

    Args:
        labels: (N,) integer labels.
        n: how many rows; all of them if there are no more than n.
        seed: fixes the choice.

    Returns:
        (min(n, N),) int64 rows in ascending order.
    """
    total = len(labels)
    if n >= total:
        return np.arange(total, dtype=np.int64)
    lot = Draws(seed).order(total)
    shuffled = labels[lot]
    by_class = np.argsort(shuffled, kind="stable")
    _, starts, counts = np.unique(shuffled[by_class], return_index=True, return_counts=True)
    rank = np.empty(total)
    rank[by_class] = np.arange(total) - np.repeat(starts, counts)
    size = np.empty(total)
    size[by_class] = np.repeat(counts, counts)
    # Stable: equal quotients keep the order of the lot.
    first = np.argsort((rank + 0.5) / size, kind="stable")[:n]
    return np.sort(lot[first])
