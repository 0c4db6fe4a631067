"""Where the tests find real data, and how property tests run."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

# Examples are not timed: on a busy machine a slow one would be reported as a flaky failure.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


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


@pytest.fixture(autouse=True, scope="session")
def cache_of_our_own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No test reads or fills the user's own cell store."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PPBENCH_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield
