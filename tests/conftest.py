"""Where the tests find real data."""

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def test_data() -> Path:
    """The folder that `$PPBENCH_TEST_DATA` names; a test without it skips, or fails where CI requires it."""
    folder = os.environ.get("PPBENCH_TEST_DATA")
    if folder and Path(folder).is_dir():
        return Path(folder)
    reason = (
        "needs real data: set PPBENCH_TEST_DATA to the folder that holds cifar10/, golden/, pushpull-2020/"
    )
    if os.environ.get("PPBENCH_REQUIRE_TEST_DATA") == "1":
        pytest.fail(reason)
    pytest.skip(reason)
