"""What the gate found, as a table and in sentences."""

from collections.abc import Sequence

from ppbench.reporting.table import Cell, Column, Document, Row, Section, Table, Tone, signed
from ppbench.scoring.gate import Finding, Judgement

WORST = 3
"""How many of the corruptions that rose are named."""

_ROOM = 80
"""From this width on there is room for the values of both."""

_TONES: dict[str, Tone] = {"pass": "good", "fail": "bad", "inconclusive": "warning"}
_SIGNS = {"pass": "✅", "fail": "❌", "inconclusive": "⚠️"}


def headline(judgement: Judgement) -> str:
    """Return the outcome in one line."""
    states = [finding.state for finding in judgement.findings]
    count = f"{len(states)} rule" + "s" * (len(states) != 1)
    if judgement.state == "fail":
        return f"gate: fail, {states.count('fail')} of {count} broken"
    if judgement.state == "inconclusive":
        return f"gate: inconclusive, {states.count('inconclusive')} of {count} cannot be decided"
    return f"gate: pass, {count} kept"


def sentence(finding: Finding) -> str:
    """Return what became of a rule in one sentence, for an annotation or a test report."""
    each = finding.difference
    rise = f"{each.score} went from {each.first:.2f} to {each.second:.2f}, by {signed(each.difference, 2)} points"
    return f"{rise} {interval(finding)}; allowed {finding.rule.tolerance:+g}: {verdict(finding)}"


def verdict(finding: Finding) -> str:
    """Return pass, fail, or inconclusive with the number of images that would settle it."""
    if finding.state != "inconclusive":
        return finding.state
    if finding.images_needed is None:
        return "inconclusive, and more images would hardly settle it"
    return f"inconclusive, about {finding.images_needed:,} images would settle it"


def interval(finding: Finding) -> str:
    """Return the interval of the rise."""
    return f"[{signed(finding.difference.low, 2)}, {signed(finding.difference.high, 2)}]"


def explanations(judgement: Judgement, facts: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return what stands below the table: (label, text).

    Args:
        judgement: what the gate found.
        facts: what was measured and against which baseline, from the caller.
    """
    evidence = (
        f"{judgement.images:,} images, paired; the {100 * judgement.level:g} % interval of the rise decides: wholly "
        "above the tolerance fails, wholly within passes"
    )
    lines = [*facts, ("evidence", evidence)]
    if judgement.identical:
        lines.append(("note", "both models gave the same outcome on every image of every cell"))
    if judgement.worst:
        named = [
            f"{each.score.removeprefix('error.')} {signed(each.difference, 2)}"
            for each in judgement.worst[:WORST]
        ]
        lines.append(("worst", f"the mean error rose most on {', '.join(named)} points (intervals above 0)"))
    return lines


def document(judgement: Judgement, facts: Sequence[tuple[str, str]]) -> Document:
    """Return what the gate found, rule by rule.

    Args:
        judgement: what to show.
        facts: see `explanations`.
    """
    columns = (
        Column("baseline", room=_ROOM),
        Column("this run", room=_ROOM),
        Column("rise"),
        Column("interval"),
        Column("verdict", "text"),
    )
    rows = tuple(_row(finding) for finding in judgement.findings)
    table = Table("rules", "rule", columns, (Section("", rows),))
    notes = tuple(explanations(judgement, facts))
    return Document(headline(judgement), (table,), notes, notes, tone=_TONES[judgement.state])


def _row(finding: Finding) -> Row:
    each = finding.difference
    said = Cell(
        verdict(finding),
        strong=finding.state == "fail",
        tone=_TONES[finding.state],
        sign=_SIGNS[finding.state],
    )
    values = (f"{each.first:.2f}", f"{each.second:.2f}", signed(each.difference, 2), interval(finding))
    return Row(str(finding.rule), (*map(Cell, values), said), code=True)
