"""ppbench: robustness to common image corruptions, around push-pull networks.

The public names are imported on first use, so that `ppbench --help` does not wait for torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from ppbench.models.load import load_model as load_model
    from ppbench.runs.evaluate import evaluate as evaluate
    from ppbench.runs.folder import Run as Run
    from ppbench.runs.folder import load_run as load_run
    from ppbench.scoring.scores import score as score

_HOMES = {
    "evaluate": "ppbench.runs.evaluate",
    "Run": "ppbench.runs.folder",
    "load_run": "ppbench.runs.folder",
    "load_model": "ppbench.models.load",
    "score": "ppbench.scoring.scores",
}

__all__ = ["Run", "__version__", "evaluate", "load_model", "load_run", "score"]


def __getattr__(name: str) -> Any:
    """Import a public name from its home on first use."""
    if name not in _HOMES:
        raise AttributeError(f"module 'ppbench' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
