"""The gate: does a model break a rule against its baseline, or is the evidence too thin to say?"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from math import ceil, log10, sqrt
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from ppbench.errors import InputError
from ppbench.scoring.baseline_file import Baseline, aligned
from ppbench.scoring.bootstrap import LEVEL, RESAMPLES
from ppbench.scoring.gate_rules import Rule
from ppbench.scoring.outcomes import Outcomes
from ppbench.scoring.pairing import Difference, Pairing, pair
from ppbench.scoring.scores import score

State = Literal["pass", "fail", "inconclusive"]

MOST_IMAGES = 10_000_000
"""Beyond this no number of images is named: the rise is practically at the tolerance."""


@dataclass(frozen=True)
class Finding:
    """What became of one rule.

    Attributes:
        rule: the rule.
        difference: of the score, model less baseline, with its paired interval.
        state: fail, if the interval is wholly above the tolerance; pass, if wholly within; else inconclusive.
        images_needed: about how many images would settle an inconclusive rule; None if settled, or if no
            number would.
    """

    rule: Rule
    difference: Difference
    state: State
    images_needed: int | None


@dataclass(frozen=True)
class Judgement:
    """What became of all rules.

    Attributes:
        findings: one per rule, in their order.
        images: how many images both models saw in every cell.
        level: confidence level of the intervals.
        identical: whether the two gave the same outcome on every image of every cell.
        worst: the corruptions whose error rose and whose interval is above 0, the largest rise first.
    """

    findings: tuple[Finding, ...]
    images: int
    level: float
    identical: bool
    worst: tuple[Difference, ...]

    @property
    def state(self) -> State:
        """Fail if any rule fails, else inconclusive if any is, else pass."""
        states = {finding.state for finding in self.findings}
        return "fail" if "fail" in states else "inconclusive" if "inconclusive" in states else "pass"

    def exit_code(self, *, strict: bool) -> int:
        """Return 0 for pass, 1 for fail, and for inconclusive 3 if that is to be strict, otherwise 0."""
        return {"pass": 0, "fail": 1, "inconclusive": 3 if strict else 0}[self.state]

    def to_dict(self) -> dict[str, Any]:
        """Return the judgement as JSON knows it."""
        rules = [{**asdict(finding), "rule": str(finding.rule)} for finding in self.findings]
        worst = [asdict(each) for each in self.worst]
        return {"state": self.state, "images": self.images, "level": self.level, "identical": self.identical,
                "rules": rules, "worst": worst}  # fmt: skip


def pair_with_baseline(
    outcomes: Outcomes,
    ids: npt.NDArray[np.int64],
    baseline: Baseline,
    *,
    level: float = LEVEL,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Pairing:
    """Pair a model with its baseline, both divided by the baseline's normaliser.

    Cells that only the model has are left out; that the facts of both agree is for the caller to check
    (`disagreements`).

    Args:
        outcomes: of the model judged.
        ids: which image each of their columns is, (N,).
        baseline: what to compare with.
        level: the confidence level.
        resamples: how often the images are drawn anew.
        seed: of the draws.

    Raises:
        InputError: other images than the baseline's, or a cell of the baseline is missing.
    """
    cells = baseline.outcomes.cells
    lacking = [",".join(map(str, cell)) for cell in cells if cell not in outcomes.row]
    if lacking:
        raise InputError(f"this run has no cell {lacking[0]}, which the baseline has")
    same = aligned(outcomes, ids, baseline.ids)
    first = Outcomes("baseline", cells, baseline.outcomes.wrong)
    second = Outcomes("this run", cells, same.wrong[[same.row[cell] for cell in cells]])
    together = [first, second]
    if baseline.normaliser_outcomes is not None:
        together.append(baseline.normaliser_outcomes)
    scores = score([each.table for each in together], baseline.normaliser)
    return pair(together, scores, first.model, second.model, level=level, resamples=resamples, seed=seed)


def judge(rules: Sequence[Rule], pairing: Pairing) -> Judgement:
    """Judge a model (second of the pairing) against its baseline (first), rule by rule.

    Two models with the same outcome on every image of every cell do not differ by chance: their differences are
    0 and certain, whatever the number of images.

    Raises:
        InputError: no rule, or one for a score that the two do not have.
    """
    if not rules:
        raise InputError("no rule to judge by: give at least one, for example mce=+1.0")
    order = [pairing.second.row[cell] for cell in pairing.first.cells]
    identical = bool(np.array_equal(pairing.first.wrong, pairing.second.wrong[order]))
    known = pairing.scores
    findings = []
    for rule in rules:
        if rule.score not in known:
            raise InputError(f"rule {rule}: {_why_unknown(rule, known)}")
        found = pairing.difference(rule.score)
        found = replace(found, low=0.0, high=0.0) if identical else found
        findings.append(decide(rule, found, pairing.first.images))
    corruptions = [pairing.difference(name) for name in known if name.startswith("error.")]
    risen = [each for each in corruptions if each.low > 0]
    worst = tuple(sorted(risen, key=lambda each: -each.difference))
    return Judgement(tuple(findings), pairing.first.images, pairing.level, identical, worst)


def decide(rule: Rule, found: Difference, images: int) -> Finding:
    """Decide one rule from the difference and its paired interval; pure arithmetic.

    Args:
        rule: what is allowed.
        found: the rise of the score, model less baseline.
        images: how many images it was measured on.
    """
    if found.high <= rule.tolerance:
        return Finding(rule, found, "pass", None)
    if found.low > rule.tolerance:
        return Finding(rule, found, "fail", None)
    return Finding(rule, found, "inconclusive", _images_to_settle(rule.tolerance, found, images))


def _images_to_settle(tolerance: float, found: Difference, images: int) -> int | None:
    """Return how many images would take the interval off the tolerance, were the difference to stay.

    An interval's half-width goes with one over the square root of the number of images.
    """
    gap = abs(found.difference - tolerance)
    half = found.difference - found.low if found.difference > tolerance else found.high - found.difference
    if half * sqrt(images) > gap * sqrt(MOST_IMAGES):
        return None
    needed = max(images + 1, images * (half / gap) ** 2)
    step: int = 10 ** max(0, int(log10(needed)) - 1)  # two digits: it is an estimate
    return ceil(needed / step) * step


def _why_unknown(rule: Rule, known: Sequence[str]) -> str:
    if rule.score == "relative_mce" and "mce" in known:
        return (
            "relative_mce is not known: it needs clean errors, and so many images that the normaliser's rise over its "
            "own is no chance: use mce or mean_error"
        )
    if rule.score in ("mce", "relative_mce") or rule.score.startswith("ce."):
        return f"no normaliser has {rule.score}: use mean_error or error.CORRUPTION"
    cells = sum(name.startswith("cell.") for name in known)
    return f"the baseline has no {rule.score} among its {cells} cells"
