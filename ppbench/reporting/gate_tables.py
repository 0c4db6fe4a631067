"""What the gate found, for the terminal and as the Markdown summary of a CI job."""

import sys
from collections.abc import Sequence

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ppbench.reporting.comparison_layout import signed
from ppbench.reporting.markdown import escaped
from ppbench.reporting.terminal import footer, print_parts
from ppbench.scoring.gate import Finding, Judgement

WORST = 3
"""How many of the corruptions that rose are named."""

_STYLES = {"pass": "green", "fail": "bold red", "inconclusive": "yellow"}


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
    return f"{rise} ({interval(finding)}); allowed {finding.rule.tolerance:+g}: {verdict(finding)}"


def verdict(finding: Finding) -> str:
    """Return pass, fail, or inconclusive with the number of images that would settle it."""
    if finding.state != "inconclusive":
        return finding.state
    if finding.images_needed is None:
        return "inconclusive, and more images would hardly settle it"
    return f"inconclusive, about {finding.images_needed:,} images would settle it"


def interval(finding: Finding) -> str:
    """Return the interval of the rise."""
    return f"{signed(finding.difference.low, 2)} to {signed(finding.difference.high, 2)}"


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


def show(judgement: Judgement, facts: Sequence[tuple[str, str]], console: Console | None = None) -> None:
    """Print what the gate found.

    Args:
        judgement: what to show.
        facts: see `explanations`.
        console: where to; the default is stdout, without colour where it is no terminal.
    """
    console = console or Console(file=sys.stdout, highlight=False)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0), show_edge=False)
    table.add_column("rule", no_wrap=True)
    values = ["baseline", "this run"] if console.width >= 80 else []
    for heading in (*values, "rise", "interval"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("verdict")
    for finding in judgement.findings:
        each = finding.difference
        cells = [f"{each.first:.2f}", f"{each.second:.2f}"] if values else []
        cells += [signed(each.difference, 2), interval(finding)]
        table.add_row(str(finding.rule), *cells, Text(verdict(finding), style=_STYLES[finding.state]))
    title = Text(headline(judgement), style=_STYLES[judgement.state])
    print_parts(console, [title, "", table, "", footer(explanations(judgement, facts))])


def markdown(judgement: Judgement, facts: Sequence[tuple[str, str]]) -> str:
    """Return what the gate found as Markdown, for a job summary or a comment."""
    marks = {"pass": "✅ pass", "fail": "❌ **fail**"}
    rows = [
        f"| `{finding.rule}` | {finding.difference.first:.2f} | {finding.difference.second:.2f} "
        f"| {signed(finding.difference.difference, 2)} | {interval(finding)} "
        f"| {marks.get(finding.state, f'⚠️ {verdict(finding)}')} |"
        for finding in judgement.findings
    ]
    return "\n".join(
        [
            f"## {headline(judgement)}",
            "",
            "| rule | baseline | this run | rise | interval | verdict |",
            "|:--|--:|--:|--:|--:|:--|",
            *rows,
            "",
            *(f"- **{label}**: {escaped(text)}" for label, text in explanations(judgement, facts)),
            "",
        ]
    )
