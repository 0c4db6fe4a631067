"""Where weights lie: those that ship, the user's own, and what was downloaded."""

import os
from pathlib import Path

from ppbench.errors import InputError
from ppbench.user_folders import user_cache, user_data


def shipped_folder() -> Path:
    """Return the folder of the shipped weights and their index: in the installed package, else in the repository."""
    package = Path(__file__).parent.parent
    inside = package / "shipped_checkpoints"
    return inside if inside.is_dir() else package.parent / "checkpoints"


def user_folder() -> Path | None:
    """Return the folder for a user's own weights: ``$PPBENCH_CHECKPOINTS``, else one in the user's data folder.

    None where neither is there: the user has no home.
    """
    own = os.environ.get("PPBENCH_CHECKPOINTS")
    data = user_data()
    return Path(own) if own else data and data / "checkpoints"


def cache_folder() -> Path:
    """Return the folder of downloads: ``$PPBENCH_CACHE/checkpoints``, else one in the user's cache folder.

    Raises:
        InputError: neither is there: the user has no home.
    """
    own = os.environ.get("PPBENCH_CACHE")
    cache = Path(own) if own else user_cache()
    if cache is None:
        raise InputError(
            "expected a folder to keep downloaded weights in, got a user without a home: set PPBENCH_CACHE to one"
        )
    return cache / "checkpoints"


def give_libraries_a_home() -> None:
    """Have torch and the hub's library keep their downloads where ppbench does, where the user has no home.

    They would make a folder called ``~`` in the current one. To be called before they are imported or asked.

    Raises:
        InputError: there is no such place either.
    """
    for variable, name in (("TORCH_HOME", "torch"), ("HF_HOME", "huggingface")):
        if user_cache() is None and variable not in os.environ:
            os.environ[variable] = str(cache_folder() / name)
