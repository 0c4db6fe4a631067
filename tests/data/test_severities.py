"""The severities that the readers of published sets know."""

import ast
from pathlib import Path

from corruptions import names
from ppbench.data.severities import SEVERITIES, SEVERITY_NAMES

DATA = Path(__file__).parents[2] / "ppbench" / "data"


def test_they_are_those_of_the_corruptions() -> None:
    """Readers of published sets know the severities that corruptions are made at, and no others."""
    assert SEVERITIES == names.SEVERITIES
    assert tuple(str(severity) for severity in names.SEVERITIES) == SEVERITY_NAMES


def test_they_stand_in_one_place() -> None:
    """No reader lists them again, as numbers or as names of folders."""
    lists = [
        file.name
        for file in DATA.glob("*.py")
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Tuple | ast.List)
        and [str(each.value) for each in node.elts if isinstance(each, ast.Constant)] == list(SEVERITY_NAMES)
    ]
    assert lists == ["severities.py"]
