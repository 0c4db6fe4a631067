"""Where a set is looked for when nobody says where it is."""

import os
from pathlib import Path

import platformdirs

VARIABLE = "PPBENCH_DATA"


def usual_places() -> list[Path]:
    """Return the folders that are searched without `--root`: `$PPBENCH_DATA`, `./data`, the user's data folder."""
    named = os.environ.get(VARIABLE)
    return [*([Path(named)] if named else []), Path("data"), user_folder()]


def user_folder() -> Path:
    """Return the user's data folder of ppbench."""
    return Path(platformdirs.user_data_dir("ppbench", appauthor=False))


def download_folder() -> Path:
    """Return where downloads are put: `$PPBENCH_DATA` if it is set, the user's data folder otherwise."""
    named = os.environ.get(VARIABLE)
    return Path(named) if named else user_folder()


def cache_folder() -> Path:
    """Return where is kept what can be made again: ``$PPBENCH_CACHE`` or the user's cache folder."""
    named = os.environ.get("PPBENCH_CACHE")
    return Path(named) if named else Path(platformdirs.user_cache_path("ppbench"))
