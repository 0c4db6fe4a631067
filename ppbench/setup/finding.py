"""What the set-up check found of one network: a finding for each thing that it looked at, and their verdict."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

from ppbench.models.input_spec import OutputKind

State = Literal["ok", "skipped", "notice", "wrong"]
"""Fine; not looked at; worth a look; very likely wrong."""

DependsOn = Literal["batch", "chance"]
"""What answers depend on that they should not: the other images of their batch, or chance."""

BATCH = "batch"
CONTRACT = "contract"
CLEAN_ERROR = "clean error"
WEIGHTS = "weights"

_GRAVITY: tuple[State, ...] = ("ok", "skipped", "notice", "wrong")


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        check: what: contract, images, weights, batch, outputs, clean error, class order, or other set-ups.
        state: what came of it.
        text: what was found, in one line.
        advice: what to do about it, or the question to ask; empty where nothing is to be done.
    """

    check: str
    state: State
    text: str
    advice: str = ""

    @property
    def line(self) -> str:
        """Text and advice in one line."""
        return f"{self.text}: {self.advice}" if self.advice else self.text


@dataclass(frozen=True)
class SetupCheck:
    """The set-up of one network.

    Attributes:
        model: its name.
        outputs: what it returns.
        depends_on: what its answers depend on beside the image; None where on nothing.
        findings: in the order in which they were looked at.
    """

    model: str
    outputs: OutputKind
    depends_on: DependsOn | None
    findings: tuple[Finding, ...]

    @property
    def verdict(self) -> State:
        """The gravest state of the findings; what was not looked at does not count."""
        told = (finding.state for finding in self.findings if finding.state != "skipped")
        return max(told, key=_GRAVITY.index, default="ok")

    @property
    def complete(self) -> bool:
        """Whether the network could be asked; where not, nothing is known of its batch and its outputs."""
        return not any(finding.check == BATCH and finding.state == "skipped" for finding in self.findings)

    @property
    def not_looked_at(self) -> tuple[str, ...]:
        """What could not be looked at, a line each; many networks have no layer that shows whether it was trained."""
        return tuple(
            f"{finding.check} ({finding.text})"
            for finding in self.findings
            if finding.state == "skipped" and finding.check != WEIGHTS
        )

    @property
    def warnings(self) -> tuple[str, ...]:
        """One line for each finding that is not ok, and one where the network could not be asked.

        The contract is left out: a run names it for every model anyway.
        """
        return tuple(
            f"{self.model}: {finding.line}"
            for finding in self.findings
            if (finding.state in ("notice", "wrong") and finding.check != CONTRACT)
            or (finding.state == "skipped" and finding.check == BATCH)
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the check as JSON knows it, without the model's name."""
        return {
            "verdict": self.verdict,
            "outputs": self.outputs,
            "depends_on": self.depends_on,
            "findings": [asdict(finding) for finding in self.findings],
        }

    @classmethod
    def from_dict(cls, model: str, values: Mapping[str, Any]) -> "SetupCheck":
        """Return the check that `to_dict` wrote.

        Raises:
            ValueError: it wrote another.
        """
        if values["outputs"] not in get_args(OutputKind) or values["depends_on"] not in (
            *get_args(DependsOn),
            None,
        ):
            raise ValueError(f"expected a set-up check, got outputs {values['outputs']!r}")
        return cls(
            model,
            values["outputs"],
            values["depends_on"],
            tuple(Finding(**finding) for finding in values["findings"]),
        )
