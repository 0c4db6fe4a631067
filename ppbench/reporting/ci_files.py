"""What a CI system reads: JUnit XML, one test case per rule, and GitHub annotations."""

from datetime import UTC, datetime
from xml.etree import ElementTree as ET  # only writes: nothing is parsed here

from ppbench.reporting.gate_tables import headline, sentence
from ppbench.scoring.gate import Judgement

_SUITE = "ppbench gate"


def junit(
    judgement: Judgement, *, strict: bool, seconds: float, when: datetime, host: str = "localhost"
) -> str:
    """Return JUnit XML: a broken rule is a failure, an inconclusive one is skipped, or a failure if strict.

    Args:
        judgement: what the gate found.
        strict: whether what is inconclusive fails the gate.
        seconds: how long the gate took.
        when: when it began, with its time zone.
        host: the machine's name.
    """
    states = [finding.state for finding in judgement.findings]
    failed = states.count("fail") + (states.count("inconclusive") if strict else 0)
    skipped = 0 if strict else states.count("inconclusive")
    totals = {"tests": str(len(states)), "failures": str(failed), "errors": "0", "time": f"{seconds:.3f}"}
    root = ET.Element("testsuites")  # without attributes, which the strictest schema does not know
    suite = ET.SubElement(
        root,
        "testsuite",
        {
            "name": _SUITE,
            "package": "ppbench",
            "id": "0",
            **totals,
            "skipped": str(skipped),
            "timestamp": when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S"),
            "hostname": host,
        },
    )
    ET.SubElement(suite, "properties")
    for finding in judgement.findings:
        each = ET.SubElement(
            suite, "testcase", {"classname": "ppbench.gate", "name": str(finding.rule), "time": "0"}
        )
        text = sentence(finding)
        if finding.state == "fail" or (strict and finding.state == "inconclusive"):
            ET.SubElement(each, "failure", {"message": text, "type": finding.state}).text = text
        elif finding.state == "inconclusive":
            ET.SubElement(each, "skipped", {"message": text})
    ET.SubElement(suite, "system-out").text = headline(judgement)
    ET.SubElement(suite, "system-err")
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def annotations(judgement: Judgement, *, strict: bool) -> list[str]:
    """Return GitHub workflow commands: an error per broken rule, a warning per inconclusive one."""
    lines = []
    for finding in judgement.findings:
        if finding.state != "pass":
            level = "error" if finding.state == "fail" or strict else "warning"
            title = _property(f"{_SUITE}: {finding.rule}")
            lines.append(f"::{level} title={title}::{_message(sentence(finding))}")
    return lines


def _message(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _message(text).replace(":", "%3A").replace(",", "%2C")
