"""For the tests of a repository that trains networks: no change may cost robustness in silence.

The names are imported on first use: pytest loads this package in every session.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ppbench.models.input_spec import InputSpec as InputSpec
    from ppbench.testing.regression import InconclusiveWarning as InconclusiveWarning
    from ppbench.testing.regression import assert_no_robustness_regression as assert_no_robustness_regression

_HOMES = {
    "InputSpec": "ppbench.models.input_spec",
    "InconclusiveWarning": "ppbench.testing.regression",
    "assert_no_robustness_regression": "ppbench.testing.regression",
}

__all__ = ["InconclusiveWarning", "InputSpec", "assert_no_robustness_regression"]


def __getattr__(name: str) -> Any:
    """Import a public name from its home on first use."""
    if name not in _HOMES:
        raise AttributeError(f"module 'ppbench.testing' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
