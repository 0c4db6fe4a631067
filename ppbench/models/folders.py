"""Where weights lie: those that ship, the user's own, and what was downloaded."""

import os
from pathlib import Path

import platformdirs


def shipped_folder() -> Path:
    """Return the folder of the shipped weights and their index: in the installed package, else in the repository."""
    package = Path(__file__).parent.parent
    inside = package / "shipped_checkpoints"
    return inside if inside.is_dir() else package.parent / "checkpoints"


def user_folder() -> Path:
    """Return the folder for a user's own weights: ``$PPBENCH_CHECKPOINTS``, else one in the user's data folder."""
    own = os.environ.get("PPBENCH_CHECKPOINTS")
    return Path(own) if own else platformdirs.user_data_path("ppbench") / "checkpoints"


def cache_folder() -> Path:
    """Return the folder of downloads: ``$PPBENCH_CACHE/checkpoints``, else one in the user's cache folder."""
    own = os.environ.get("PPBENCH_CACHE")
    return (Path(own) if own else platformdirs.user_cache_path("ppbench")) / "checkpoints"
