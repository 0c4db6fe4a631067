"""What an engine is asked to do, and what it gives back."""

from collections.abc import Callable
from typing import NamedTuple

from ppbench.evaluation.answers import Answers
from ppbench.evaluation.cells import CellId


class Work(NamedTuple):
    """Some images of a cell, and the names of the networks that are to answer them."""

    cell: CellId
    networks: tuple[str, ...]
    rows: slice


Done = tuple[Work, dict[str, Answers]]
"""A piece of work with the answers of its networks, by name."""

OnImages = Callable[[CellId, int], None]
"""Called with a cell and the number of its images that are done, counted once for all networks."""
