"""Where a set is looked for when nobody says where it is."""

import os
from pathlib import Path

from ppbench.errors import InputError
from ppbench.user_folders import user_cache, user_data

VARIABLE = "PPBENCH_DATA"


def usual_places() -> list[Path]:
    """Return the folders that are searched without `--root`: `$PPBENCH_DATA`, `./data`, the user's data folder."""
    named = os.environ.get(VARIABLE)
    own = user_folder()
    return [*([Path(named)] if named else []), Path("data"), *([own] if own else [])]


def user_folder() -> Path | None:
    """Return the user's data folder of ppbench; None for a user without a home."""
    return user_data()


def download_folder() -> Path:
    """Return where downloads are put: `$PPBENCH_DATA` if it is set, else the user's data folder, or else `./data`."""
    named = os.environ.get(VARIABLE)
    return Path(named) if named else user_folder() or Path("data")


def cache_folder() -> Path:
    """Return where is kept what can be made again: ``$PPBENCH_CACHE`` or the user's cache folder.

    Raises:
        InputError: neither is there: the user has no home.
    """
    named = os.environ.get("PPBENCH_CACHE")
    folder = Path(named) if named else user_cache()
    if folder is None:
        raise InputError(
            "no folder to keep finished cells and decoded images in: this user has no home folder; set PPBENCH_CACHE "
            "to a "
            "folder, or name one with --cache, or use --no-store"
        )
    return folder
