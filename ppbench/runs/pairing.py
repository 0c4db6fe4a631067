"""From runs to comparisons: every model against one reference, on the same images."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ppbench.errors import InputError, unknown
from ppbench.reporting.provenance_line import TableContext, data_sentence
from ppbench.runs.agreement import require_repeatable
from ppbench.runs.folder import Run
from ppbench.runs.merging import merge
from ppbench.scoring.comparison import Comparison, compare
from ppbench.scoring.normaliser import Normaliser
from ppbench.scoring.outcomes import Outcomes
from ppbench.scoring.pairing import pair
from ppbench.scoring.scores import score

SCHEMA_VERSION = 1
"""Of the dict that `Comparisons.to_dict` returns, the output of `ppbench compare --json`."""


@dataclass(frozen=True)
class Comparisons:
    """Some models, each compared with the same reference.

    Attributes:
        reference: the model compared with.
        comparisons: one per other model, in the order of the runs.
        normaliser: what CE divides by, for all; None: there is no CE.
        context: what was measured, as below every table.
    """

    reference: str
    comparisons: tuple[Comparison, ...]
    normaliser: Normaliser | None
    context: dict[str, Any]

    @property
    def facts(self) -> list[tuple[str, str]]:
        """What every table says beside its numbers: (label, text)."""
        lines = [("scale", "top-1 errors in per cent")]
        if self.normaliser is not None:
            lines.append(("normaliser", f"{self.normaliser.name}: {self.normaliser.description}"))
        lines.append(("data", data_sentence(TableContext.from_dict(self.context))))
        return [*lines, *(("note", note) for note in self.context["notes"])]

    def to_dict(self) -> dict[str, Any]:
        """Return the comparisons as JSON knows them."""
        divisor = self.normaliser
        return {
            "schema_version": SCHEMA_VERSION,
            "reference": self.reference,
            "normaliser": None if divisor is None else {"name": divisor.name, "source": divisor.source},
            "context": self.context,
            "comparisons": [asdict(each) for each in self.comparisons],
        }


def compare_runs(runs: Sequence[Run], *, reference: str | None = None) -> Comparisons:
    """Compare every model of some runs with the reference, paired by image.

    CE divides by the normaliser of the first run, for all models alike.

    Args:
        runs: one or more, of the same images and cells.
        reference: the model compared with; None takes the first of the first run. A name that occurs in several
            runs has its run's folder appended: ``"resnet20 (before)"``.

    Raises:
        InputError: the runs cannot be paired, there are not two models, no such reference, or a model whose answers
            depend on more than the image.
    """
    for run in runs:
        require_repeatable(run.manifest.models, where="the run" if run.folder is None else str(run.folder))
    merged = merge(runs)
    outcomes = [member.outcomes for member in merged.members]
    known = {each.model: each for each in outcomes}
    if reference is not None and reference not in known:
        raise unknown("reference", reference, known)
    if len(known) < 2:
        raise InputError(
            f"expected two models or more to compare, got {outcomes[0].model} alone: name another run"
        )
    first = known[reference or outcomes[0].model]
    normaliser = merged.normaliser
    divisor = None if normaliser is None or normaliser.model is None else known[normaliser.model]
    found = [_compared(first, each, divisor, normaliser) for each in outcomes if each is not first]
    return Comparisons(first.model, tuple(found), normaliser, merged.context.to_dict())


def _compared(
    first: Outcomes, second: Outcomes, divisor: Outcomes | None, normaliser: Normaliser | None
) -> Comparison:
    # Only the models concerned: resampling all of them for each pair would cost the square of their number.
    together = list(dict.fromkeys(each for each in (first, second, divisor) if each is not None))
    scores = score([each.table for each in together], normaliser)
    return compare(pair(together, scores, first.model, second.model))
