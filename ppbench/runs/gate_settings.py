"""`[tool.ppbench.gate]` of a pyproject.toml: a repository's own rules for the gate."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from ppbench.errors import InputError
from ppbench.scoring.gate_rules import Rule, parse_rules, rules_from_table
from ppbench.validation import STRICT, Config, validated

FILE = "pyproject.toml"
TABLE = "[tool.ppbench.gate]"


@dataclass(frozen=True)
class _Table:
    """The table as it is written."""

    __pydantic_config__: ClassVar[Config] = STRICT

    allow: Mapping[str, Any] = field(default_factory=dict)
    baseline: str | None = None
    strict: bool = False


@dataclass(frozen=True)
class GateSettings:
    """What a repository has settled.

    Attributes:
        rules: from ``allow = {mce = 1.0, "ce.fog" = 3}``.
        baseline: path of the baseline, relative to the file's folder.
        strict: whether what is inconclusive is no pass.
    """

    rules: tuple[Rule, ...] = ()
    baseline: Path | None = None
    strict: bool = False

    def with_rules(self, allow: Sequence[str]) -> tuple[Rule, ...]:
        """Return the rules with those of the command line, which count before the file's for the same score."""
        rules = {rule.score: rule for rule in self.rules}
        rules |= {rule.score: rule for rule in parse_rules(allow)}
        return tuple(rules.values())


def read_settings(folder: Path) -> GateSettings:
    """Read the settings of the folder's pyproject.toml; without the file or the table there are none.

    Raises:
        InputError: the file is no TOML, or the table holds what it should not.
    """
    path = folder / FILE
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return GateSettings()
    except (ValueError, OSError) as error:
        raise InputError(f"{path}: not valid TOML: {error}") from None
    tool = content.get("tool", {})
    table = tool.get("ppbench", {}).get("gate", {}) if isinstance(tool, dict) else {}
    where = f"{path} {TABLE}"
    if not isinstance(table, dict):
        raise InputError(f"{where}: expected a table, got {table!r}")
    said = validated(_Table, table, lambda _field: f"{where}: ")
    rules = rules_from_table(said.allow, f"{where} allow")
    return GateSettings(rules, None if said.baseline is None else folder / said.baseline, said.strict)
