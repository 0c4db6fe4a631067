"""A user's own folders, as the system gives them to programs; a user without a home has none."""

from collections.abc import Callable
from pathlib import Path

import platformdirs


def user_data() -> Path | None:
    """Return the user's data folder of ppbench; None where there is no home: in many containers no user has one."""
    return _found(lambda: platformdirs.user_data_dir("ppbench", appauthor=False))


def user_cache() -> Path | None:
    """Return the user's cache folder of ppbench; None where there is no home."""
    return _found(lambda: platformdirs.user_cache_dir("ppbench"))


def _found(ask: Callable[[], str]) -> Path | None:
    try:
        folder = ask()
    except (RuntimeError, KeyError):
        return None
    # Older versions of platformdirs leave the sign of a home that they could not find: a folder of that name, here.
    return None if folder.startswith("~") else Path(folder)
