"""What the gate tells people and machines."""

import io
import re
from datetime import UTC, datetime
from xml.etree import ElementTree as ET

import pytest
from rich.console import Console

from ppbench.reporting import ci_files, gate_tables, markdown, terminal
from ppbench.scoring.gate import Judgement, decide
from ppbench.scoring.gate_rules import Rule
from ppbench.scoring.pairing import Difference

FACTS = [("baseline", "baseline.json: resnet20 on cifar10-c, generated, seed 0")]
WHEN = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)


def rise(score, difference, half):
    """A rise from 30 with a symmetric interval."""
    return Difference(
        score, 30.0, 30.0 + difference, difference, difference - half, difference + half, None, None, "worse"
    )


def judgement(*states):
    """One rule per state, in order."""
    made = {
        "pass": (Rule("clean", 1.0), rise("clean", 0.0, 0.5)),
        "fail": (Rule("mce", 1.0), rise("mce", 5.0, 1.5)),
        "inconclusive": (Rule("ce.fog", 3.0), rise("ce.fog", 2.0, 2.0)),
    }
    findings = tuple(decide(*made[state], 200) for state in states)
    assert [finding.state for finding in findings] == list(states)
    return Judgement(
        findings, 200, 0.95, identical=False, worst=(rise("error.fog", 5, 1), rise("error.snow", 4, 1))
    )


ALL = ("pass", "fail", "inconclusive")


@pytest.mark.parametrize("width", [60, 80, 120])
def test_the_terminal_shows_each_rule_and_its_verdict(width):
    """The outcome in the first line; each rule with rise, interval and verdict; how many images would settle it."""
    out = io.StringIO()
    terminal.show(
        gate_tables.document(judgement(*ALL), FACTS), Console(file=out, width=width, highlight=False)
    )
    text = out.getvalue()
    assert max(map(len, text.splitlines())) <= width
    assert "\x1b" not in text
    assert text.startswith("gate: fail, 1 of 3 rules broken\n")
    assert re.search(r"^clean=\+1 .* 0\.00 +\[-0\.50, \+0\.50\] +pass$", text, re.MULTILINE)
    assert re.search(r"^mce=\+1 .* \+5\.00 +\[\+3\.50, \+6\.50\] +fail$", text, re.MULTILINE)
    together = " ".join(text.split())
    assert "200 images" in together
    assert "fog +5.00, snow +4.00 points" in together
    assert FACTS[0][1] in together


@pytest.mark.parametrize(
    "states, line",
    [
        (("pass",), "gate: pass, 1 rule kept"),
        (("pass", "pass"), "gate: pass, 2 rules kept"),
        (("pass", "inconclusive"), "gate: inconclusive, 1 of 2 rules cannot be decided"),
        (ALL, "gate: fail, 1 of 3 rules broken"),
    ],
)
def test_the_headline_is_the_outcome(states, line):
    """One line says pass, fail or inconclusive, and how many rules."""
    assert gate_tables.headline(judgement(*states)) == line


def test_the_sentence_holds_everything():
    """A rule's sentence has the values, the rise, its interval, the tolerance and the verdict."""
    found = judgement(*ALL).findings
    assert gate_tables.sentence(found[1]) == (
        "mce went from 30.00 to 35.00, by +5.00 points [+3.50, +6.50]; allowed +1: fail"
    )
    assert gate_tables.sentence(found[2]).endswith(
        "allowed +3: inconclusive, about 800 images would settle it"
    )
    at = decide(Rule("mce", 1.0), rise("mce", 1.0, 2.0), 200)
    assert gate_tables.verdict(at) == "inconclusive, and more images would hardly settle it"


def test_the_summary_is_valid_markdown():
    """A heading, one table of six columns, and a list."""
    text = markdown.render(gate_tables.document(judgement(*ALL), FACTS))
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert len(rows) == 5
    assert {row.count("|") for row in rows} == {7}
    assert text.startswith("## gate: fail")
    assert "- **baseline**: baseline.json" in text


@pytest.mark.parametrize("strict, failures, skipped", [(False, 1, 1), (True, 2, 0)])
def test_junit_has_one_test_case_per_rule(strict, failures, skipped):
    """Well-formed XML with what the schemas of Ant and Jenkins demand; what is inconclusive is skipped, or fails."""
    text = ci_files.junit(judgement(*ALL), strict=strict, seconds=1.5, when=WHEN)
    root = ET.fromstring(text)
    (suite,) = root
    assert (root.tag, root.attrib, suite.tag) == ("testsuites", {}, "testsuite")
    assert suite.attrib == {
        "name": "ppbench gate", "package": "ppbench", "id": "0", "tests": "3", "failures": str(failures),
        "errors": "0", "skipped": str(skipped), "time": "1.500", "timestamp": "2026-03-04T05:06:07",
        "hostname": "localhost",
    }  # fmt: skip
    assert [child.tag for child in suite] == ["properties", *["testcase"] * 3, "system-out", "system-err"]
    cases = suite.findall("testcase")
    assert [case.get("name") for case in cases] == ["clean=+1", "mce=+1", "ce.fog=+3"]
    assert all(case.get("classname") and case.get("time") for case in cases)
    assert [[child.tag for child in case] for case in cases] == [
        [], ["failure"], ["failure" if strict else "skipped"],
    ]  # fmt: skip
    assert cases[1][0].get("type") == "fail"
    assert "+5.00 points" in cases[1][0].get("message")


def test_annotations_are_workflow_commands():
    """An error per broken rule, a warning (or error, if strict) per inconclusive one, nothing for a kept one."""
    lines = ci_files.annotations(judgement(*ALL), strict=False)
    assert [line.split(" ")[0] for line in lines] == ["::error", "::warning"]
    assert lines[0].startswith("::error title=ppbench gate%3A mce=+1::mce went from 30.00 to 35.00")
    assert [line.split(" ")[0] for line in ci_files.annotations(judgement(*ALL), strict=True)] == [
        "::error"
    ] * 2
    assert ci_files.annotations(judgement("pass"), strict=True) == []
    assert all("\n" not in line for line in lines)
