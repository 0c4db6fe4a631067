"""What a cell's answers depend on: the facts that make its key in the store."""

from collections.abc import Sequence, Set
from copy import copy
from functools import cache
from importlib.metadata import version
from typing import Any

import torch

from ppbench.data.source import DataSource
from ppbench.evaluation.cells import CLEAN, CellId
from ppbench.evaluation.generator import Generator
from ppbench.evaluation.store import key_of
from ppbench.models.loaded_model import LoadedModel
from ppbench.models.registry import ARCHITECTURES

CODE_VERSION = 4
"""Goes up whenever the loop, a network or the preprocessing gives other answers than before."""


class Keys:
    """The keys of a run's cells; made when they are asked for, because a published cell is known by its every pixel.

    Args:
        models: the networks of the run.
        unchanged: the names of those whose weights are what their checkpoint's digest says.
        images: the images under the cells.
        generator: what makes generated cells.
        device: where the run is.
        precision: that the networks answer in.
        compiled: whether torch compiled them.
    """

    def __init__(
        self,
        models: Sequence[LoadedModel],
        unchanged: Set[str],
        images: DataSource,
        generator: Generator,
        device: torch.device,
        precision: str = "fp32",
        *,
        compiled: bool = False,
    ) -> None:
        self._how = {
            "device": device.type,
            "precision": precision,
            **({"compiled": True} if compiled else {}),
        }
        self._models = self._known(models, unchanged)
        self._images = images
        self._generator = generator
        self._cell_facts = cache(self._facts)

    def of(self, models: Sequence[LoadedModel], unchanged: Set[str]) -> "Keys":
        """Return the keys of the same cells for these networks."""
        # What is known of the cells is shared: a published one is known by its every pixel.
        other = copy(self)
        other._models = self._known(models, unchanged)  # noqa: SLF001  a copy of this one
        return other

    def __call__(self, slot: tuple[str, CellId]) -> str | None:
        """Return the key of a model on a cell; None where its answers cannot be known again."""
        model, cell = slot
        if model not in self._models:
            return None
        facts = self._cell_facts(cell)
        return None if facts is None else key_of({**self._models[model], **facts})

    def _known(self, models: Sequence[LoadedModel], unchanged: Set[str]) -> dict[str, dict[str, Any]]:
        return {
            model.name: {**facts, **self._how}
            for model in models
            if model.name in unchanged and (facts := _model_facts(model)) is not None
        }

    def knows(self, model: str) -> bool:
        """Whether a model's cells are kept."""
        return model in self._models

    def _facts(self, cell: CellId) -> dict[str, Any] | None:
        """Return what a cell's pixels and labels depend on; None where that is not known."""
        images = self._images
        if cell != CLEAN and images.source == "published":
            return {"images": images.cell(cell.corruption, cell.severity).digest}
        assert (
            images.clean is not None
        )  # no clean cell is planned without, and generated ones are made from them
        clean = {"images": images.clean.digest}
        if cell == CLEAN:
            return clean
        made = self._generator.facts(cell.corruption, images.protocol)
        return None if made is None else {**clean, "severity": cell.severity, **made}


def identified(model: LoadedModel) -> bool:
    """Return whether digests and versions tell all that a network computes, as long as nobody has changed it."""
    return _model_facts(model) is not None


def _model_facts(model: LoadedModel) -> dict[str, Any] | None:
    """Return what a network's answers depend on; None for a user's own code, of which no digest tells everything."""
    ours = model.architecture in ARCHITECTURES and model.sha256 is not None
    # torchvision's own weights are named by their version, or are a file with a digest.
    theirs = model.architecture.startswith("torchvision:") and (
        "@" in model.architecture or model.sha256 is not None
    )
    if not ours and not theirs:
        return None
    return {
        "code": CODE_VERSION,
        "torch": torch.__version__,
        "torchvision": version("torchvision"),
        "architecture": model.architecture,
        "weights": model.sha256,
        **({"prefix": model.prefix} if model.prefix else {}),
        "num_classes": model.num_classes,
        "input": model.spec.to_dict(),
        **({} if model.outputs == "logits" else {"outputs": model.outputs}),
        **(
            {}
            if model.choice is None
            else {"choice": {"kind": model.choice.kind, "indices": list(model.choice.indices)}}
        ),
    }
