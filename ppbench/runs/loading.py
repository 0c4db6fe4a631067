"""The networks of a run: loaded or taken as they are, named, and checked against the images."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from ppbench.data.source import DataSource
from ppbench.errors import InputError
from ppbench.models.load import load_model
from ppbench.models.loaded_model import LoadedModel
from ppbench.models.requests import Loading, ModelRequest, unique_names

Model = str | ModelRequest | LoadedModel


@dataclass(frozen=True)
class Loaded:
    """The networks of a run.

    Attributes:
        models: each with a name of its own.
        unchanged: the names of those that were loaded here and nowhere else: what their checkpoint's digest says of
            them is true. A network that a caller hands in may have been trained or pruned since it was loaded.
    """

    models: list[LoadedModel]
    unchanged: frozenset[str]


def load_models(
    models: Model | Sequence[Model], images: DataSource, loading: Loading, on_note: Callable[[str], None]
) -> Loaded:
    """Return the networks, with the right classes and size for the images.

    Raises:
        InputError: there is no such model, or it does not fit the images.
    """
    wanted = [models] if isinstance(models, str | ModelRequest | LoadedModel) else list(models)
    if not wanted:
        raise InputError("expected at least one model, got none")
    requests = [ModelRequest(model) if isinstance(model, str) else model for model in wanted]
    loaded = [
        _fitting(request, images)
        if isinstance(request, LoadedModel)
        else load_model(
            request.model,
            checkpoint=request.checkpoint,
            data=images.name,
            num_classes=images.num_classes,
            image_size=images.image_size[0],
            spec=loading.spec,
            turn_into=loading.turn_into,
            trust=loading.trust,
        )
        for request in requests
    ]
    for request, model in zip(requests, loaded, strict=True):
        if isinstance(request, ModelRequest) and request.model is None and model.report is not None:
            on_note(f"{model.checkpoint}: {model.architecture}: {model.report.summary()}")
    names = unique_names(
        [model.name for model in loaded], [ModelRequest(model.name, model.checkpoint) for model in loaded]
    )
    return Loaded(
        [replace(model, name=name) for model, name in zip(loaded, names, strict=True)],
        frozenset(
            name for name, request in zip(names, requests, strict=True) if isinstance(request, ModelRequest)
        ),
    )


def _fitting(model: LoadedModel, images: DataSource) -> LoadedModel:
    if model.num_classes != images.num_classes:
        raise InputError(
            f"{model.name}: expected {images.num_classes} classes, as {images.name} has, got {model.num_classes}"
        )
    size = images.image_size[0]
    if model.spec.size != size and model.spec.resize is None and model.spec.crop is None:
        raise InputError(
            f"{model.name}: expected an input of {size} pixels, as {images.name} has, got {model.spec.size}: "
            "set resize in its input spec to have the images resized"
        )
    return model
