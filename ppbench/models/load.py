"""From what a user calls a model to a network that answers."""

from collections.abc import Mapping
from dataclasses import replace
from os import PathLike
from typing import Any

from ppbench.errors import InputError
from ppbench.models.loaded_model import LoadedModel
from ppbench.models.requests import is_file, path_of
from ppbench.models.resolving import Wish

__all__ = ["LoadedModel", "load_model"]


def load_model(
    model: str | PathLike[str] | None = None,
    *,
    checkpoint: str | PathLike[str] | None = None,
    data: str | None = None,
    num_classes: int | None = None,
    image_size: int | None = None,
    spec: Mapping[str, Any] | None = None,
    turn_into: str | None = None,
    trust: bool = False,
    prefix: str | None = None,
    name: str | None = None,
) -> LoadedModel:
    """Return a network with its weights, ready to answer.

    Args:
        model: an id of the checkpoint index, an architecture, ``torchvision:NAME[@WEIGHTS]``, ``timm:NAME``,
            ``hf-hub:OWNER/NAME``, ``FILE.py:factory``, or a file of weights or ONNX graph, as for
            None and `checkpoint`; None recognises the network from the checkpoint. Every path is a file.
        checkpoint: a file of weights; needed for an architecture that the index has no weights of. Without a `model`
            it may also be a TorchScript or `torch.export` program, or an ONNX graph.
        data: the data set that the model will answer, e.g. ``"digits-c"``: it picks the weights of an architecture.
        num_classes: of the data; None takes what the weights have.
        image_size: of the data, in pixels; None takes what the model is made for.
        spec: fields of `InputSpec` that count before everything that the model says.
        turn_into: the push-pull network that a plain one's weights are turned into, e.g. ``"resnet50-pp"``.
        trust: unpickle whatever the checkpoint asks for, and run programs: either can run any code.
        prefix: how the names of the weights begin that are meant, e.g. ``student.``, where the checkpoint holds several
            networks; None takes the only one, or the running average.
        name: what tables call the model; None takes `turn_into`, `model`, or what was recognised.

    Raises:
        InputError: there is no such model or file, the weights do not fit, or there are none.
    """
    wish = Wish(data, num_classes, image_size, dict(spec or {}), turn_into, trust, prefix)
    for given in (model, checkpoint):
        if not isinstance(given, str | PathLike | None):
            raise InputError(f"expected a model's name or the path of a file, got {type(given).__name__}")
    path = None if checkpoint is None else path_of(checkpoint)
    if isinstance(model, PathLike) and path is not None:
        raise InputError(f"expected the name of a model with --checkpoint {path}, got the path {model}")
    if isinstance(model, PathLike) or (path is None and model is not None and is_file(model)):
        path, model = path_of(model), None
    if model is None and path is None:
        raise InputError(
            "expected a model or a checkpoint, got neither: `ppbench models` lists what is known"
        )
    if prefix is not None and path is None:
        raise InputError(f"expected --checkpoint with --prefix {prefix}, got none")
    loaded = wish.file(path) if model is None and path else wish.named(str(model), path)
    called = name or turn_into or model or loaded.architecture
    return replace(loaded, name=called, prefix=prefix or "")
