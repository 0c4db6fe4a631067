"""Which AlexNet a run is divided by, and what a reader of its table must know."""

from collections.abc import Sequence
from dataclasses import dataclass

from ppbench.data.registry import data_set
from ppbench.data.source import DataSource
from ppbench.evaluation.cells import CellId, title
from ppbench.evaluation.generator import Generator
from ppbench.models.load import LoadedModel
from ppbench.runs.predictions import Predictions
from ppbench.scoring.errors_table import ErrorTable
from ppbench.scoring.normaliser import (
    Normaliser,
    default_normaliser,
    is_alexnet,
    load_normaliser,
    measured,
    measured_model,
)


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


def settle_divisor(wanted: str, models: Sequence[LoadedModel], images: DataSource) -> Divisor:
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


def quality_notes(
    images: DataSource, predictions: Predictions, *, generator: Generator, limit: int | None
) -> list[str]:
    """Return what else a reader must know: a subset, no clean images, outputs that were not finite."""
    notes = list(images.notes)
    if limit is not None and limit < images.full_size:
        part = f"{len(images.ids):,} of {images.full_size:,} images"
        notes.append(f"a stratified subset of {part}, chosen by seed {generator.seed}")
    quality = Generator().quality(images.protocol)
    if images.made is not None:
        notes.append(f"read from a folder that {images.made.by} generated with seed {images.made.seed}")
    if images.source == "generated" and quality is not None:
        step = f"the JPEG step (quality {quality}, 4:2:0) of the published files"
        stronger = "noise is stronger than in the published files"
        notes.append(f"generated with {step}" if generator.jpeg else f"generated without {step}: {stronger}")
    if images.source == "generated" and generator.name == "imagecorruptions":
        notes.append(
            "imagecorruptions has ImageNet's constants only, and its elastic transform is another one"
        )
    if images.clean is None:
        notes.append(
            "no clean images were found beside the published files: no clean error, no relative scores"
        )
    return [*notes, *not_finite(predictions)]


def not_finite(predictions: Predictions) -> list[str]:
    """Return a line for each model some of whose outputs were not finite, with the cell that has most of them."""
    lines = []
    for name, classes in zip(predictions.models, predictions.answers.predictions, strict=True):
        shares = 100.0 * (classes < 0).mean(axis=1)
        if shares.any():
            worst = int(shares.argmax())
            cell = title(CellId(*predictions.cells[worst]))
            lines.append(
                f"{name} gave outputs that are not finite for {_percent(shares.mean())} of the images, which count as "
                f"errors; most of them on {cell} ({_percent(shares[worst])})"
            )
    return lines


def _percent(share: float) -> str:
    """Return a share of images, per cent; one that is not 0 does not look like it."""
    return f"{share:.0f} %" if share >= 10 else f"{share:.2g} %"
