"""What is already known of a network's clean error: the index says it of its files, torchvision of its weights.

timm's package and its configurations carry no accuracies.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ppbench.errors import InputError
from ppbench.models.index import IndexEntry, known_index, with_sha256
from ppbench.models.loaded_model import LoadedModel
from ppbench.models.registry import ARCHITECTURES

_ZOO_DATA = "imagenet-c"


@dataclass(frozen=True)
class KnownError:
    """A clean error that somebody has published.

    Attributes:
        error: top-1 error on the clean images of the whole set, per cent.
        who: says so.
    """

    error: float
    who: str


def known_error(model: LoadedModel, data: str) -> KnownError | None:
    """Return what is known of a network's clean error on a data set, None where nothing is.

    Args:
        model: a network; weights that the index knows are known whatever code they were loaded into.
        data: the set's name, e.g. ``"cifar10-c"``.
    """
    return _of_index(model, data) or (_of_zoo(model) if data == _ZOO_DATA else None)


def _of_index(model: LoadedModel, data: str) -> KnownError | None:
    entry = None if model.sha256 is None else with_sha256(_index(), model.sha256)
    if entry is None or entry.clean_error is None or entry.data != data:
        return None
    if model.architecture in ARCHITECTURES and model.architecture != entry.architecture:
        return None  # its stem was swapped on purpose
    return KnownError(float(entry.clean_error), f"the index ({entry.id})")


def _index() -> tuple[IndexEntry, ...]:
    try:
        return known_index()
    except InputError:  # a damaged index of the user's own: what needs it says so
        return ()


def _of_zoo(model: LoadedModel) -> KnownError | None:
    zoo, _, name = model.architecture.partition(":")
    network, _, weights = name.partition("@")
    if zoo == "torchvision" and weights and model.checkpoint is None:
        return _of_torchvision(network, weights)
    return None


def _of_torchvision(network: str, weights: str) -> KnownError | None:
    from torchvision import models

    try:
        meta: Mapping[str, Any] = models.get_model_weights(network)[weights].meta
    except (KeyError, ValueError):
        return None
    accuracy = _first(meta, ("_metrics", "ImageNet-1K", "acc@1"))
    return None if accuracy is None else KnownError(100 - accuracy, f"torchvision ({weights})")


def _first(values: Any, path: Iterable[str]) -> float | None:
    for key in path:
        if not isinstance(values, Mapping) or key not in values:
            return None
        values = values[key]
    return float(values) if isinstance(values, int | float) else None
