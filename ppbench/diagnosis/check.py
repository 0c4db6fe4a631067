"""One thing that was looked at, and what came of it."""

from dataclasses import asdict, dataclass
from typing import Any, Literal

State = Literal["ok", "absent", "problem", "blocking"]
"""Fine; not there and not needed for everything; wrong, but `eval` can run; `eval` cannot run."""


@dataclass(frozen=True)
class Check:
    """What was looked at.

    Attributes:
        section: what it belongs to: software, devices, data, checkpoints, storage, trial.
        name: what was looked at.
        state: what came of it.
        text: what was found, in one line.
        remedy: what to do about it; empty where nothing is to be done.
    """

    section: str
    name: str
    state: State
    text: str
    remedy: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return the check as JSON knows it."""
        return asdict(self)


def can_evaluate(checks: list[Check]) -> bool:
    """Return whether nothing that was found keeps `ppbench eval` from running."""
    return not any(check.state == "blocking" for check in checks)
