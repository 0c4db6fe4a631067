"""Runs as files in long form: rows of several stacked, each with the folder it comes from."""

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from ppbench import atomic
from ppbench.errors import InputError
from ppbench.runs.folder import load_run
from ppbench.spelling import spelled

if TYPE_CHECKING:
    import pandas as pd


def stacked(folders: Sequence[Path], *, predictions: bool = False) -> "pd.DataFrame":
    """Return the rows of some runs below each other, after a column ``run`` with the folder's path as it was given.

    Args:
        folders: of the runs.
        predictions: a row per image (`Run.answers`) instead of a row per cell (`Run.errors`).

    Raises:
        InputError: a folder holds no whole run, or is named twice.
    """
    import pandas as pd

    twice = next((folder for folder in folders if list(folders).count(folder) > 1), None)
    if twice is not None:
        raise InputError(f"the run {twice} is named twice")
    frames = []
    for folder in folders:
        run = load_run(folder, intervals=False)
        frame = (run.answers if predictions else run.errors).copy()
        frame.insert(0, "run", spelled(folder))
        frames.append(frame)
    # One run keeps its categories; those of several would have to be the same.
    return frames[0] if len(frames) == 1 else pd.concat(frames, ignore_index=True)


def csv_text(frame: "pd.DataFrame") -> str:
    """Return a table as CSV, numbers in full precision, unknown ones empty."""
    return str(frame.to_csv(index=False, lineterminator="\n"))


def require_parquet() -> None:
    """Refuse to promise Parquet where it cannot be written.

    Raises:
        InputError: the package pyarrow is not installed.
    """
    if find_spec("pyarrow") is None:
        raise InputError("Parquet needs the package pyarrow: pip install pyarrow")


def as_parquet(frame: "pd.DataFrame", path: Path) -> None:
    """Write a table as Parquet, whole or not at all.

    Raises:
        InputError: the package pyarrow is not installed.
    """
    require_parquet()
    with atomic.writing(path) as file:
        frame.to_parquet(file, engine="pyarrow", index=False)
