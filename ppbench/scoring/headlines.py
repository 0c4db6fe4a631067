"""The headline scores of a model: what they are called, how they are written, which way is better.

All are per cent. Every table, rule, comparison and report takes them from here.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal


@dataclass(frozen=True)
class Headline:
    """A score of a model over all that was measured.

    Attributes:
        name: under which rules, files and comparisons know it, see `ModelScores.by_name`.
        title: what tables call it.
        decimals: it is written with.
        needs: what it cannot be known without.
        better: which way is better.
        of_cells: whether it is over the 75 cells, so that it is another number over fewer of them.
    """

    name: str
    title: str
    decimals: int
    needs: Literal["nothing", "normaliser", "baseline"] = "nothing"
    better: Literal["lower", "higher"] = "lower"
    of_cells: bool = True

    def titled(self, *, partial: bool) -> str:
        """Return what a table calls it: over fewer than the 75 cells it is another number, and must not be quoted."""
        return f"partial {self.title}" if partial and self.of_cells else self.title


CLEAN_ERROR = Headline("clean", "clean error", 2, of_cells=False)
MEAN_ERROR = Headline("mean_error", "mean error", 2)
MCE = Headline("mce", "mCE", 1, needs="normaliser")
RELATIVE_MCE = Headline("relative_mce", "relative mCE", 1, needs="normaliser")
R_NET = Headline("r_net", "R_net", 1, needs="baseline", better="higher")

HEADLINES = (CLEAN_ERROR, MEAN_ERROR, MCE, RELATIVE_MCE, R_NET)
"""In the order of every table."""

PAIRED = (CLEAN_ERROR, MEAN_ERROR, MCE, RELATIVE_MCE)
"""Those whose difference between two models is tested, and that a gate may have a rule for; R_net is one itself."""


def headlines(*, normaliser: bool, baseline: bool) -> tuple[Headline, ...]:
    """Return those that a model can have.

    Args:
        normaliser: whether errors are divided by anything.
        baseline: whether the models are compared with one of them.
    """
    there = {"nothing": True, "normaliser": normaliser, "baseline": baseline}
    return tuple(each for each in HEADLINES if there[each.needs])


def best_of(name: str) -> Callable[..., Any]:
    """Return what finds the best of some values of a score: ``min``, or ``max`` where higher is better."""
    return max if any(each.name == name and each.better == "higher" for each in HEADLINES) else min


def decimals_of(name: str) -> int:
    """Return with how many decimals a score is written: a headline, or one of a corruption or cell (``ce.fog``)."""
    for each in HEADLINES:
        if each.name == name:
            return each.decimals
    return 1 if name.partition(".")[0] in ("ce", "relative_ce") else 2
