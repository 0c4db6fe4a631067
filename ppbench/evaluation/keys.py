"""What a cell's answers depend on: the facts that make its key in the store."""

from collections.abc import Sequence
from typing import Any

import torch

from ppbench.data.source import DataSource
from ppbench.evaluation.cells import CLEAN, CellId
from ppbench.evaluation.generator import Generator
from ppbench.evaluation.store import key_of
from ppbench.models.load import LoadedModel
from ppbench.models.registry import ARCHITECTURES

CODE_VERSION = 1
"""Goes up whenever the loop, a network or the preprocessing gives other answers than before."""


def keys_of(
    models: Sequence[LoadedModel],
    images: DataSource,
    cells: Sequence[CellId],
    *,
    generator: Generator,
    device: torch.device,
) -> dict[tuple[str, CellId], str]:
    """Return the store's key for each model and cell, of the models whose answers can be known again.

    A user's own Python code is not among them: no digest tells whether its answers would still be the same.
    """
    content = {cell: _images_facts(images, cell, generator) for cell in cells}
    return {
        (model.name, cell): key_of({**_model_facts(model), **content[cell], "device": device.type})
        for model in models
        if model.sha256 is not None and model.architecture in ARCHITECTURES
        for cell in cells
    }


def _model_facts(model: LoadedModel) -> dict[str, Any]:
    return {
        "code": CODE_VERSION,
        "torch": torch.__version__,
        "precision": "fp32",
        "architecture": model.architecture,
        "weights": model.sha256,
        "num_classes": model.num_classes,
        "input": model.spec.to_dict(),
    }


def _images_facts(images: DataSource, cell: CellId, generator: Generator) -> dict[str, Any]:
    """Return what a cell's pixels and labels depend on; a published cell is known by its every pixel."""
    if cell != CLEAN and images.source == "published":
        return {"images": images.cell(cell.corruption, cell.severity).digest}
    assert images.clean is not None  # no clean cell is planned without, and generated ones are made from them
    clean = {"images": images.clean.digest}
    if cell == CLEAN:
        return clean
    return {**clean, "severity": cell.severity, **generator.facts(cell.corruption, images.protocol)}
