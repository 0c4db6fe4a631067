"""How a run stands while it goes on: the scores of the cells that are finished."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ppbench.evaluation.answers import Answers
from ppbench.evaluation.cells import CellId
from ppbench.runs.normalising import Divisor
from ppbench.scoring.errors_table import ErrorTable
from ppbench.scoring.scorecard import Scores
from ppbench.scoring.scores import score


@dataclass(frozen=True)
class Standing:
    """What is known so far.

    Attributes:
        done: cells that every model has answered.
        cells: all cells of the run.
        scores: of the finished cells alone: an mCE among them is not the run's.
    """

    done: int
    cells: int
    scores: Scores


class Tally:
    """Counts errors as cells are answered, and says how the run stands after each that all models have."""

    def __init__(
        self,
        models: Sequence[str],
        cells: int,
        labels: npt.NDArray[np.int64],
        divide_by: Divisor,
        on_standing: Callable[[Standing], None],
    ) -> None:
        """Start at nothing.

        Args:
            models: the names of the networks of the run.
            cells: how many cells the run has.
            labels: int64 (N,), of every cell.
            divide_by: what CE will be divided by.
            on_standing: told of every finished cell.
        """
        self._models = models
        self._cells = cells
        self._labels = labels
        self._divide_by = divide_by
        self._on_standing = on_standing
        self._counts: dict[CellId, dict[str, tuple[int, int]]] = {}

    def add(self, model: str, cell: CellId, answers: Answers) -> None:
        """Count a model's answers to a cell, once."""
        wrong = int(np.count_nonzero(answers.predictions != self._labels))
        counted = self._counts.setdefault(cell, {})
        counted[model] = len(self._labels), wrong
        if len(counted) == len(self._models):
            self._on_standing(self.standing())

    def standing(self) -> Standing:
        """Return how the run stands over the cells that every model has answered."""
        whole = {cell: each for cell, each in self._counts.items() if len(each) == len(self._models)}
        tables = [
            ErrorTable.from_counts(
                model, {(cell.corruption, cell.severity): each[model] for cell, each in whole.items()}
            )
            for model in self._models
        ]
        return Standing(len(whole), self._cells, score(tables, self._divide_by.normaliser(tables)))
