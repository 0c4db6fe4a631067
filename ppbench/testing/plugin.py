"""The pytest plugin: the fixture `robustness_gate` and the option `--ppbench-update`.

pytest imports this module in every session of every repository that has ppbench installed: nothing heavy here.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--ppbench-update`."""
    parser.getgroup("ppbench").addoption(
        "--ppbench-update",
        action="store_true",
        help="Write the baselines of robustness_gate instead of judging by them.",
    )


@pytest.fixture
def robustness_gate(request: pytest.FixtureRequest) -> Callable[..., Any]:
    """`assert_no_robustness_regression`, its baseline relative to the test's own folder.

    With `pytest --ppbench-update` it writes the baseline, and the test skips.
    """

    def gate(model: Any, *, baseline: str | Path, **options: Any) -> Any:
        from ppbench.testing.regression import assert_no_robustness_regression

        path = request.path.parent / baseline
        update = bool(request.config.getoption("--ppbench-update"))
        found = assert_no_robustness_regression(model, baseline=path, update=update, **options)
        if update:
            pytest.skip(f"wrote the baseline {path}")
        return found

    return gate
