"""The interval of one cell: Wilson's score interval for a share of images."""

from math import sqrt
from statistics import NormalDist


def wilson(errors: int, n: int, level: float = 0.95) -> tuple[float, float]:
    """Return Wilson's score interval of an error, in per cent.

    It stays inside 0..100 and keeps its coverage near the ends, where the usual normal interval fails
    (Wilson 1927; Brown, Cai & DasGupta 2001, section 3.1.1).

    Args:
        errors: images that were misclassified, 0..n.
        n: images in the cell, at least 1.
        level: the confidence level, between 0 and 1.

    Raises:
        ValueError: the counts or the level are out of range.
    """
    if n < 1 or not 0 <= errors <= n:
        raise ValueError(f"expected 0 <= errors <= n and n >= 1, got errors {errors} and n {n}")
    if not 0.0 < level < 1.0:
        raise ValueError(f"expected a level between 0 and 1, got {level}")
    z2 = NormalDist().inv_cdf(0.5 + level / 2) ** 2
    share = errors / n
    centre = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = sqrt(z2 * (share * (1 - share) / n + z2 / (4 * n * n))) / (1 + z2 / n)
    # At the ends the formula gives exactly 0 and 1; only rounding says otherwise.
    low = 0.0 if errors == 0 else max(0.0, centre - half)
    high = 1.0 if errors == n else min(1.0, centre + half)
    return 100.0 * low, 100.0 * high


def paired(only_a: int, only_b: int, n: int, level: float = 0.95) -> tuple[float, float]:
    """Return the interval of the difference of two models' errors on the same images, B minus A, in points.

    Bonett & Price (2012): the usual interval with one image added to either kind of disagreement. Unlike a
    bootstrap it does not shrink to nothing where two models happen to agree on every image of a small sample.

    Args:
        only_a: images that only model A gets wrong.
        only_b: images that only model B gets wrong.
        n: images in the cell, at least `only_a + only_b` and 1.
        level: the confidence level, between 0 and 1.

    Raises:
        ValueError: the counts or the level are out of range.
    """
    if n < 1 or min(only_a, only_b) < 0 or only_a + only_b > n:
        raise ValueError(f"expected counts that share {n} images, got {only_a} and {only_b}")
    if not 0.0 < level < 1.0:
        raise ValueError(f"expected a level between 0 and 1, got {level}")
    a, b = (only_a + 1) / (n + 2), (only_b + 1) / (n + 2)
    half = NormalDist().inv_cdf(0.5 + level / 2) * sqrt((a + b - (b - a) ** 2) / (n + 2))
    return 100.0 * max(-1.0, b - a - half), 100.0 * min(1.0, b - a + half)
