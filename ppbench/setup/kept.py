"""Set-up checks beside the cells they belong to: a run that is taken from the store checks nothing again."""

import json
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from ppbench import atomic
from ppbench.evaluation.store import CHECK_SUFFIX, CellStore
from ppbench.setup.finding import SetupCheck

VERSION = 2
"""Goes up whenever a check finds something else than before."""


@dataclass(frozen=True)
class KeptChecks:
    """The checks in a cell store, each under the key of its model's first cell."""

    store: CellStore

    def get(self, key: str, model: str) -> SetupCheck | None:
        """Return the check under a key, None where there is none that can be read."""
        try:
            content = json.loads(self.store.path(key).with_suffix(CHECK_SUFFIX).read_text(encoding="utf-8"))
            if content["version"] != VERSION or content["sha256"] != _digest(content["check"]):
                return None
            return SetupCheck.from_dict(model, content["check"])
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def put(self, key: str, check: SetupCheck) -> None:
        """Keep a check under a key."""
        path = self.store.path(key).with_suffix(CHECK_SUFFIX)
        path.parent.mkdir(parents=True, exist_ok=True)
        found = check.to_dict()
        atomic.write_text(path, json.dumps({"version": VERSION, "sha256": _digest(found), "check": found}))


def _digest(found: Any) -> str:
    """Return what tells a check from one that was changed on the disk: what it says decides numbers."""
    return sha256(json.dumps(found, sort_keys=True).encode()).hexdigest()
