"""Right or wrong, image by image: what intervals and paired comparisons are made from."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from ppbench.errors import InputError
from ppbench.scoring.errors_table import ErrorTable
from ppbench.scoring.names import CLEAN

CLEAN_CELL = (CLEAN, 0)


@dataclass(frozen=True, eq=False)
class Outcomes:
    """A model's answers on the same images in every cell.

    Attributes:
        model: its name.
        cells: K different (corruption, severity); the clean images are ``("clean", 0)``.
        wrong: bool (K, N), whether image n was misclassified in cell k; the order of images is that of all cells.
    """

    model: str
    cells: tuple[tuple[str, int], ...]
    wrong: npt.NDArray[np.bool_]

    def __post_init__(self) -> None:
        if self.wrong.dtype != np.bool_ or self.wrong.ndim != 2 or self.wrong.shape[1] < 1:
            raise InputError(
                f"expected outcomes as bool (cells, images), got {self.wrong.dtype} {self.wrong.shape}"
            )
        if len(self.cells) != len(self.wrong) or len(set(self.cells)) != len(self.cells):
            raise InputError(f"expected {len(self.wrong)} different cells, got {len(set(self.cells))}")

    @property
    def images(self) -> int:
        """How many images each cell holds."""
        return int(self.wrong.shape[1])

    @cached_property
    def row(self) -> Mapping[tuple[str, int], int]:
        """The row of each cell in `wrong`."""
        return {cell: row for row, cell in enumerate(self.cells)}

    @cached_property
    def table(self) -> ErrorTable:
        """The errors, counted."""
        counts = self.wrong.sum(axis=1)
        return ErrorTable.from_counts(
            self.model, {cell: (self.images, int(counts[row])) for cell, row in self.row.items()}
        )
