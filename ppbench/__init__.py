"""ppbench: robustness to common image corruptions, around push-pull networks.

The public names are imported on first use, so that `ppbench --help` does not wait for torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from ppbench.errors import InputError as InputError
    from ppbench.models.input_spec import InputSpec as InputSpec
    from ppbench.models.load import load_model as load_model
    from ppbench.models.module import loaded as loaded
    from ppbench.runs.caller_warnings import EvaluationWarning as EvaluationWarning
    from ppbench.runs.evaluate import evaluate as evaluate
    from ppbench.runs.folder import Run as Run
    from ppbench.runs.folder import load_run as load_run
    from ppbench.scoring.scores import score as score

_HOMES = {
    "EvaluationWarning": "ppbench.runs.caller_warnings",
    "InputError": "ppbench.errors",
    "InputSpec": "ppbench.models.input_spec",
    "Run": "ppbench.runs.folder",
    "evaluate": "ppbench.runs.evaluate",
    "load_model": "ppbench.models.load",
    "load_run": "ppbench.runs.folder",
    "loaded": "ppbench.models.module",
    "score": "ppbench.scoring.scores",
}

__all__ = [
    "EvaluationWarning",
    "InputError",
    "InputSpec",
    "Run",
    "__version__",
    "evaluate",
    "load_model",
    "load_run",
    "loaded",
    "score",
]


def __getattr__(name: str) -> Any:
    """Import a public name from its home on first use."""
    if name not in _HOMES:
        raise AttributeError(f"module 'ppbench' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    """Return the public names, imported or not, for whoever presses the tab key."""
    return sorted(__all__)
