"""What stands in the tables of a comparison, whatever they are rendered to."""

from collections import Counter
from dataclasses import dataclass

from ppbench.scoring.comparison import Comparison
from ppbench.scoring.headlines import PAIRED, decimals_of
from ppbench.scoring.pairing import Difference

_TITLES = {each.name: each.title for each in PAIRED}


@dataclass(frozen=True)
class Line:
    """One score of two models.

    Attributes:
        title: the score.
        first: the first model's value.
        second: the second model's value.
        difference: second less first, with its sign.
        ends: the interval of the difference.
        p: the p-value that decides, corrected where it is; empty where the interval decides.
        verdict: better, worse or undecided.
    """

    title: str
    first: str
    second: str
    difference: str
    ends: str
    p: str
    verdict: str


def headline_lines(comparison: Comparison) -> list[Line]:
    """Return the lines of clean error, mean error, mCE and relative mCE."""
    return [_line(each, _TITLES[each.score]) for each in comparison.headlines]


def corruption_lines(comparison: Comparison) -> list[Line]:
    """Return a line per corruption."""
    return [_line(each, each.score.partition(".")[2]) for each in comparison.corruptions]


def corruption_heading(comparison: Comparison) -> str:
    """Return what the corruptions are compared in."""
    return "CE" if any(each.score.startswith("ce.") for each in comparison.corruptions) else "mean error"


def explanations(comparison: Comparison) -> list[tuple[str, str]]:
    """Return what stands below the table: (label, text)."""
    percent = f"{100 * comparison.level:g} %"
    verdicts = Counter(each.verdict for each in comparison.cells)
    counts = ", ".join(f"{verdicts[name]} {name}" for name in ("better", "worse", "undecided"))
    alpha = f"{100 * (1 - comparison.level):g} %"
    family = sum(each.p_holm is not None for each in comparison.corruptions)
    corrected = f"corrected for all {family} together by Holm, " if family > 1 else ""
    difference = (
        f"second ({comparison.second}) less first ({comparison.first}), in points, paired on the same "
        f"{comparison.images:,} images; below 0 the second is better"
    )
    verdict = (
        f"a corruption by its exact sign-flip test, {corrected}at {alpha}; so the mean error, and the clean error by "
        "McNemar's exact test"
    )
    if any(each.p is None for each in comparison.headlines):
        verdict += "; mCE by whether the interval holds 0"
    lines = [
        ("difference", difference),
        ("interval", f"{percent}: a bootstrap over images; Bonett & Price's for the clean error"),
        ("verdict", verdict),
        ("cells", f"{counts} (McNemar's exact test at {alpha}, each by itself)"),
    ]
    if comparison.r_net is not None:
        value, low, high = comparison.r_net
        lines.insert(0, ("R_net", f"{value:.1f} ({low:.1f} to {high:.1f}) of the second against the first"))
    return lines


def _line(each: Difference, title: str) -> Line:
    decimals = decimals_of(each.score)
    p = each.p if each.p_holm is None else each.p_holm
    return Line(
        title,
        f"{each.first:.{decimals}f}",
        f"{each.second:.{decimals}f}",
        signed(each.difference, decimals),
        f"{signed(each.low, decimals)} to {signed(each.high, decimals)}",
        "" if p is None else "<0.001" if p < 0.001 else f"{p:.3f}",
        each.verdict,
    )


def signed(value: float, decimals: int) -> str:
    """Return a number with its sign; what rounds to zero has none."""
    rounded = round(value, decimals)
    return f"{rounded:+.{decimals}f}" if rounded else f"{0:.{decimals}f}"
