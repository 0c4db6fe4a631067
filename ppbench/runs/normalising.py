"""Which AlexNet a run is divided by, and what a reader of its table must know of that."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ppbench.data.registry import data_set
from ppbench.scoring.errors_table import ErrorTable
from ppbench.scoring.normaliser import (
    Normaliser,
    default_normaliser,
    is_alexnet,
    load_normaliser,
    measured,
    measured_model,
)

if TYPE_CHECKING:  # what scores a finished run needs no torch
    from ppbench.data.source import DataSource
    from ppbench.models.loaded_model import LoadedModel


@dataclass(frozen=True)
class Divisor:
    """What a run's errors will be divided by, settled before the run: a table, or a model of the run itself.

    Attributes:
        table: a normaliser that is there already; None for a model of the run, or for no normaliser.
        model: the model of the run that will be the normaliser.
        notes: what a reader of the table must know about it.
    """

    table: Normaliser | None = None
    model: str | None = None
    notes: tuple[str, ...] = ()

    def normaliser(self, tables: Sequence[ErrorTable]) -> Normaliser | None:
        """Return the normaliser, once the run's errors are there."""
        if self.model is None:
            return self.table
        return measured(next(table for table in tables if table.model == self.model))


def settle_divisor(wanted: str, models: Sequence["LoadedModel"], images: "DataSource") -> Divisor:
    """Return what a run's errors will be divided by; a mistake is found before the work, not after it.

    ``"auto"`` takes an AlexNet of the run where the images are generated, because it sees the same images; the
    published table of the data set otherwise, which belongs to the published files.

    Raises:
        InputError: the normaliser asked for does not exist.
    """
    if wanted == "none":
        return Divisor()
    architectures = {model.name: model.architecture for model in models}
    if wanted != "auto":
        model = measured_model(wanted, architectures)
        if model is not None:
            return Divisor(model=model)
        table = load_normaliser(wanted)
        return Divisor(table, notes=mismatch_notes(table, images.name, images.origin))
    alexnets = [name for name, architecture in architectures.items() if is_alexnet(architecture)]
    if alexnets and images.origin == "generated":
        first = f"normalised by {alexnets[0]}, the first of {len(alexnets)} alexnets of the run"
        return Divisor(model=alexnets[0], notes=(first,) if len(alexnets) > 1 else ())
    default = default_normaliser(images.name) if images.own_images else None
    if default is None:
        note = "there is no AlexNet table for these images: evaluate an alexnet in the same run to have CE and mCE"
        return Divisor(notes=(note,))
    return Divisor(default, notes=mismatch_notes(default, images.name, images.origin))


def mismatch_notes(table: Normaliser, data: str, origin: str | None) -> tuple[str, ...]:
    """Say where a table was measured on something else than a run's images.

    Args:
        table: the normaliser.
        data: the run's data set.
        origin: ``"published"`` or ``"generated"``.
    """
    if table.data is not None and table.data != data:
        return (
            f"{table.name} was measured on {table.data}, not on {data}: CE and mCE are on no known scale",
        )
    if table.data is None or origin != "generated":
        return ()
    # Measured on what was published where there is such a thing, otherwise on the whole embedded set.
    seen = "the published files" if data_set(data).published else "all images of the set with seed 0"
    roughly = "CE and mCE compare only roughly; an alexnet in the same run is exact"
    return (f"{table.name} was measured on {seen}, these images were generated: {roughly}",)
