"""What a report shows, as data: gathered from runs, drawn by the figures, laid out by the page."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from ppbench.reporting.provenance_line import TableContext
from ppbench.scoring.comparison import Comparison
from ppbench.scoring.errors_table import ErrorTable
from ppbench.scoring.group_scores import GroupScore
from ppbench.scoring.references import Reference
from ppbench.scoring.reliability import Bin
from ppbench.scoring.scorecard import Scores

Pixels = npt.NDArray[np.uint8]
Kernels = npt.NDArray[np.float32]


@dataclass(frozen=True)
class ModelReliability:
    """How often a model is right where it is so sure.

    Attributes:
        clean: bins of the clean images; empty where they were not measured.
        corrupted: bins of the cells of the 15 corruptions, taken together; empty without any.
    """

    clean: tuple[Bin, ...]
    corrupted: tuple[Bin, ...]


@dataclass(frozen=True, eq=False)
class Example:
    """One image of a cell, and what the models take it for.

    Attributes:
        image: its index in the full set.
        truth: the name of its class.
        corrupted: (H, W, 3) uint8.
        clean: the same image uncorrupted, (H, W, 3) uint8; None where there are no clean images.
        answers: model -> (name of the predicted class, confidence in per cent); None as a class where the outputs
            were not finite.
    """

    image: int
    truth: str
    corrupted: Pixels
    clean: Pixels | None
    answers: Mapping[str, tuple[str | None, float]]


@dataclass(frozen=True, eq=False)
class ExampleCell:
    """Images of one of the worst cells.

    Attributes:
        corruption: of the cell.
        severity: of the cell.
        error: mean over the models of the error, per cent.
        examples: the images.
    """

    corruption: str
    severity: int
    error: float
    examples: tuple[Example, ...]


@dataclass(frozen=True)
class ExampleStrip:
    """Images of the worst cells, or why there are none.

    Attributes:
        cells: one row each; empty if the images could not be had.
        note: how they were chosen, or one sentence on why there are none.
    """

    cells: tuple[ExampleCell, ...]
    note: str


@dataclass(frozen=True, eq=False)
class StemKernels:
    """The first layer of a push-pull network.

    Attributes:
        model: its name.
        description: the layer in words.
        push: (O, I, k, k) float32; empty where the weights could not be had.
        pull: (O, I, k', k') float32.
        strengths: (O,) float32, the trained inhibition strengths; None where the strength is fixed or not known.
        note: one sentence on why there are no kernels, or what to know of them; empty where nothing.
    """

    model: str
    description: str
    push: Kernels | None
    pull: Kernels | None
    strengths: npt.NDArray[np.float32] | None
    note: str


@dataclass(frozen=True)
class ModelProvenance:
    """Where a model comes from, in words."""

    name: str
    architecture: str
    weights: str
    sha256: str
    input: str


@dataclass(frozen=True)
class RunProvenance:
    """What run.json says of a run.

    Attributes:
        name: of its folder.
        facts: (label, text).
        models: one each.
        raw: the text of run.json.
    """

    name: str
    facts: tuple[tuple[str, str], ...]
    models: tuple[ModelProvenance, ...]
    raw: str = field(repr=False)


@dataclass(frozen=True)
class ReportContent:
    """Everything that a report shows.

    Attributes:
        tables: the errors of each model.
        scores: of the same models, in the same order, with intervals.
        groups: model -> its means over noise, blur, weather and digital, of the score `bar_part`.
        context: what was measured.
        baseline: the model that R_net and the differences compare with.
        runner_up: the best model against the next one, paired by image; None with one model, or on different cells.
        decided: model -> the cells in which its difference to the baseline is more than chance (McNemar's exact
            test at 5 %, each cell by itself).
        reliability: of each model.
        examples: images of the worst cells.
        stems: the first layers of the push-pull networks.
        references: published results that stand beside the models.
        runs: where the numbers of each run come from.
        version: of ppbench, which wrote the report.
    """

    tables: tuple[ErrorTable, ...]
    scores: Scores
    groups: Mapping[str, tuple[GroupScore, ...]]
    context: TableContext
    baseline: str
    runner_up: Comparison | None
    decided: Mapping[str, frozenset[tuple[str, int]]]
    reliability: tuple[ModelReliability, ...]
    examples: ExampleStrip
    stems: tuple[StemKernels, ...]
    references: tuple[Reference, ...]
    runs: tuple[RunProvenance, ...]
    version: str

    @property
    def models(self) -> tuple[str, ...]:
        """The names of the models, in order."""
        return tuple(table.model for table in self.tables)

    @property
    def bar_part(self) -> str:
        """Which score of a corruption the bars show: ``ce``, or ``error`` without a normaliser."""
        return "error" if self.scores.normaliser is None else "ce"
