"""Integers at random that are the same on every platform and in every NumPy release.

NumPy keeps the raw output of its bit generators fixed for ever, but not the streams of `Generator`'s methods
(NEP 19); so what must never change is made from raw output with integer arithmetic.
"""

import numpy as np
from numpy.typing import NDArray


class Draws:
    """A stream of random integers: a pure function of its seed."""

    def __init__(self, seed: int) -> None:
        # Philox takes keys of 128 bits; any other integer, such as -1, counts as the one it is modulo 2**128.
        self._bits = np.random.Philox(key=seed % 2**128)

    def below(self, bound: int, size: int) -> NDArray[np.int64]:
        """Return `size` integers in 0..bound-1, int64; `bound` is at most 2**31."""
        raw = self._bits.random_raw(size) >> np.uint64(32)
        return ((raw * np.uint64(bound)) >> np.uint64(32)).astype(np.int64)

    def between(self, low: int, high: int, size: int) -> NDArray[np.int64]:
        """Return `size` integers in low..high, both ends included."""
        return low + self.below(high - low + 1, size)

    def order(self, size: int) -> NDArray[np.int64]:
        """Return 0..size-1 in random order."""
        return np.argsort(self._bits.random_raw(size), kind="stable").astype(np.int64)
