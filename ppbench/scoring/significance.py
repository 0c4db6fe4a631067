"""Is a difference between two models more than chance? Exact paired tests, and Holm's correction.

Both tests ask the same question of the images on which the models differ: if it were a coin's toss which of the
two is wrong there, how often would the difference be at least as large as the one observed?
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt


def mcnemar(only_a: int, only_b: int) -> float:
    """Return the two-sided p-value of the exact McNemar test for one cell.

    Args:
        only_a: images that only the first model gets wrong.
        only_b: images that only the second model gets wrong.

    Returns:
        P(a fair coin splits `only_a + only_b` images at least as unevenly); 1 if there are none.
    """
    from scipy.special import bdtr  # when it is asked for: SciPy takes as long to import as a table to make

    fewer = min(only_a, only_b)
    if fewer < 0:
        raise ValueError(f"expected counts of at least 0, got {only_a} and {only_b}")
    return float(min(1.0, 2.0 * bdtr(fewer, only_a + only_b, 0.5)))


def sign_flip(differences: npt.NDArray[np.integer]) -> float:
    """Return the two-sided p-value of the exact sign-flip test over several cells of the same images.

    Each image contributes a whole number, e.g. in how many of a corruption's five severities the first model is
    wrong minus in how many the second is. Under the hypothesis that the models are exchangeable on each image,
    all signs are equally likely; the p-value is the share of sign patterns whose sum is at least as far from 0.
    With one cell per image it is McNemar's exact test. Fisher 1935 (section 21); Pitman 1937.

    Args:
        differences: int (N,).

    Returns:
        The p-value. Its absolute error is below 1e-11: smaller values are only known to be small.
    """
    sizes = np.abs(np.asarray(differences, dtype=np.int64))
    observed, reach = abs(int(np.sum(differences))), int(sizes.sum())
    if observed == 0:
        return 1.0
    # The sum's distribution is the product of (z^d + z^-d) / 2 over images; its Fourier transform is a product of
    # cosines, one factor per size of difference, and is evaluated once at every frequency.
    length = 2 * reach + 1
    angle = 2.0 * np.pi * np.arange(length // 2 + 1) / length
    transform = np.ones(len(angle))
    for size, images in zip(*np.unique(sizes[sizes > 0], return_counts=True), strict=True):
        transform *= np.cos(size * angle) ** int(images)
    chances = np.fft.irfft(transform, n=length)  # index d: chance of sum d; index length - d: of -d
    return float(min(1.0, max(0.0, 2.0 * chances[observed : reach + 1].sum())))


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p-values corrected for having been looked at together, in the order given (Holm 1979).

    Calling those below 5 % real makes a single false call in at most 5 % of families of tests.
    """
    corrected = [0.0] * len(p_values)
    largest = 0.0
    for rank, index in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[index]))
        corrected[index] = largest
    return corrected
