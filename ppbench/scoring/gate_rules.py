"""The gate's rules: ``mce=+1.0`` allows mCE to rise by 1.0 point, and no more."""

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ppbench.errors import InputError, unknown
from ppbench.scoring.headlines import PAIRED
from ppbench.scoring.names import ALL, SEVERITIES, is_known

PER_CORRUPTION = ("ce", "error")
CELL = "cell"


@dataclass(frozen=True)
class Rule:
    """How much a score may rise.

    Attributes:
        score: its name: ``clean``, ``mean_error``, ``mce``, ``relative_mce``, ``ce.fog``, ``error.fog``,
            ``cell.fog.5``.
        tolerance: in points of the score; 0 allows no rise, below 0 asks for an improvement.
    """

    score: str
    tolerance: float

    def __str__(self) -> str:
        """Return the rule as it is written."""
        return f"{self.score}={self.tolerance:+g}"


def parse_rule(text: str) -> Rule:
    """Read a rule such as ``mce=+1.0``, ``ce.fog=+3`` or ``cell.fog.5=+6``.

    Raises:
        InputError: the score does not exist or the tolerance is no number of points.
    """
    score, equals, amount = (part.strip() for part in text.partition("="))
    if not equals:
        raise InputError(f"rule {text!r}: expected SCORE=+POINTS, for example mce=+1.0, got no '='")
    _check_score(score, text)
    if not re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)", amount):
        raise InputError(f"rule {text!r}: expected points, for example +1.0, got {amount!r}")
    return Rule(score, float(amount))


def parse_rules(texts: Iterable[str]) -> tuple[Rule, ...]:
    """Read rules, at most one for a score.

    Raises:
        InputError: a rule cannot be read, or two are for the same score.
    """
    rules: dict[str, Rule] = {}
    for text in texts:
        rule = parse_rule(text)
        if rule.score in rules:
            raise InputError(
                f"rule {text!r}: expected one rule for {rule.score}, got {rules[rule.score]} before"
            )
        rules[rule.score] = rule
    return tuple(rules.values())


def rules_from_table(table: object, where: str) -> tuple[Rule, ...]:
    """Read rules from a TOML table score -> points, as in ``allow = {mce = 1.0, "ce.fog" = 3}``.

    A score with dots may also be nested, as TOML reads ``ce.fog = 3``.

    Raises:
        InputError: it is no table, a score does not exist, or a value is no number of points.
    """
    if not isinstance(table, Mapping):
        raise InputError(f"{where}: expected a table of scores and points, got {table!r}")
    rules = []
    for score, points in _flat(table):
        if isinstance(points, bool) or not isinstance(points, int | float) or not math.isfinite(points):
            raise InputError(f"{where}: expected points for {score}, got {points!r}")
        _check_score(score, f"{where}: {score}")
        rules.append(Rule(score, float(points)))
    return tuple(rules)


def _flat(table: Mapping[str, object], before: str = "") -> Iterable[tuple[str, object]]:
    for key, value in table.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{before}{key}.")
        else:
            yield f"{before}{key}", value


def _check_score(score: str, text: str) -> None:
    kind, *rest = score.split(".")
    kinds = (*(each.name for each in PAIRED), *PER_CORRUPTION, CELL)
    if kind not in kinds:
        raise InputError(f"rule {text!r}: {unknown('score', kind, kinds)}")
    wanted = {CELL: "cell.CORRUPTION.SEVERITY"} | {part: f"{part}.CORRUPTION" for part in PER_CORRUPTION}
    if len(rest) != wanted.get(kind, kind).count("."):
        raise InputError(f"rule {text!r}: expected {wanted.get(kind, kind)}, got {score}")
    if rest and not is_known(rest[0]):
        raise InputError(f"rule {text!r}: {unknown('corruption', rest[0], ALL)}")
    if len(rest) == 2 and rest[1] not in map(str, SEVERITIES):
        raise InputError(f"rule {text!r}: expected a severity of 1..5, got {rest[1]!r}")
