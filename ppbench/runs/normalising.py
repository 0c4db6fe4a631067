"""Which AlexNet a run is divided by, and what a reader of its table must know."""

from collections.abc import Sequence

import numpy as np

from ppbench.data.registry import data_set
from ppbench.data.source import DataSource
from ppbench.models.load import LoadedModel
from ppbench.runs.folder import Predictions
from ppbench.scoring.errors_table import ErrorTable
from ppbench.scoring.normaliser import Normaliser, choose_normaliser, default_normaliser


def pick_normaliser(
    wanted: str, tables: Sequence[ErrorTable], models: Sequence[LoadedModel], images: DataSource
) -> tuple[Normaliser | None, list[str]]:
    """Return what a run's errors are divided by, and notes for its table.

    ``"auto"`` takes an AlexNet of the run where the images were generated, because it saw the same images; the
    published table of the data set otherwise, which belongs to the published files.

    Raises:
        InputError: the normaliser asked for does not exist.
    """
    alexnets = [model.name for model in models if model.architecture.rpartition(":")[2] == "alexnet"]
    if wanted == "measured" and len(alexnets) == 1:
        wanted = f"measured:{alexnets[0]}"
    if wanted == "auto" and alexnets and images.source == "generated":
        wanted = f"measured:{alexnets[0]}"
    found = default_normaliser(images.name) if wanted == "auto" else choose_normaliser(wanted, tables)
    if found is None:
        return None, [] if wanted == "none" else [
            f"there is no AlexNet table for {images.name}: evaluate an alexnet in the same run to have CE and mCE"
        ]
    notes = []
    if images.source == "generated" and found.data == images.name and data_set(images.name).published:
        notes.append(
            f"{found.name} was measured on the published files, these images were generated here: "
            "CE and mCE compare with published ones only roughly; an alexnet in the same run would be exact"
        )
    return found, notes


def quality_notes(images: DataSource, predictions: Predictions, seed: int, limit: int | None) -> list[str]:
    """Return what else a reader must know: a subset, no clean images, outputs that were not finite."""
    notes = list(images.notes)
    if limit is not None and limit < images.full_size:
        notes.append(
            f"a stratified subset of {len(images.ids):,} of {images.full_size:,} images, chosen by seed {seed}"
        )
    if images.clean is None:
        notes.append(
            "no clean images were found beside the published files: no clean error, no relative scores"
        )
    for name, classes in zip(predictions.models, predictions.classes, strict=True):
        invalid = int(np.count_nonzero(classes < 0))
        if invalid:
            share = 100.0 * invalid / classes.size
            notes.append(
                f"{name} gave outputs that are not finite for {share:.2g} % of the images: counted as errors"
            )
    return notes
