"""A network of the caller's own, handed over as a `torch.nn.Module`."""

import copy
from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from ppbench.errors import InputError
from ppbench.models import timm_models
from ppbench.models.input_spec import InputSpec
from ppbench.models.load import count_outputs
from ppbench.models.loaded_model import LoadedModel

Contract = InputSpec | Mapping[str, Any] | Any
"""What `as_spec` takes; torchvision's transforms have no common type."""

EXAMPLE = (
    "for example spec={'mean': (0.49, 0.48, 0.45), 'std': (0.25, 0.24, 0.26)}, or spec={'normalised_inside': True} "
    "for one that takes values from 0 to 1"
)


def loaded(
    module: nn.Module,
    spec: Contract | None = None,
    *,
    name: str | None = None,
    num_classes: int | None = None,
    image_size: int | None = None,
) -> LoadedModel:
    """Return a copy of a network, ready to answer; the caller's own keeps its weights, its device and its mode.

    Args:
        module: maps float images (N, 3, H, W) to logits (N, classes).
        spec: how images become its input: an `InputSpec`; its fields as a mapping; what
            ``timm.data.resolve_model_data_config`` returns; or torchvision's transforms, ``WEIGHTS.transforms()``.
        name: what tables call it; None takes its class's name.
        num_classes: width of its output; None asks the network.
        image_size: of the images that it will answer, in pixels: the spec's size where that names none, and from which
            the last two kinds of spec know whether images have to be resized.

    Raises:
        InputError: no spec or a wrong one, a network that cannot be copied or does not answer, or another width.
    """
    called = name or type(module).__name__
    if spec is None:
        raise InputError(
            f"{called}: a network needs spec=, which says how images become its input, {EXAMPLE}"
        )
    contract = as_spec(spec, image_size)
    network = copied(module, called)
    outputs = count_outputs(network, contract.size, called)
    if num_classes is not None and outputs != num_classes:
        raise InputError(f"{called}: expected {num_classes} classes, got a network with {outputs}")
    # With its module's name: a class of the caller's may be called like a network of ours, and be another.
    architecture = f"{type(module).__module__}.{type(module).__qualname__}"
    return LoadedModel(called, architecture, network, contract, outputs, spec_source="the caller")


def copied(module: nn.Module, name: str) -> nn.Module:
    """Return a copy of a network that shares nothing with it.

    Args:
        module: the network.
        name: what it is called, for the message.

    Raises:
        InputError: it cannot be copied.
    """
    # What a network keeps of an earlier pass, or makes of its weights (torch's older weight_norm), has a history, which
    # `deepcopy` refuses: the copy has the values.
    results = [
        value
        for part in module.modules()
        for value in vars(part).values()
        if isinstance(value, Tensor) and not value.is_leaf
    ]
    try:
        return copy.deepcopy(module, {id(value): value.detach().clone() for value in results})
    except Exception as error:
        reason = " ".join(str(error).split())[:200]
        raise InputError(
            f"{name}: this network cannot be copied ({type(error).__name__}: {reason}): build it anew, or save its "
            "weights and name the file"
        ) from error


def as_spec(given: Contract, image_size: int | None = None) -> InputSpec:
    """Return an input contract in whichever form a caller has it; see `loaded`.

    Raises:
        InputError: it is none, or a field is missing or wrong.
    """
    if isinstance(given, InputSpec):
        return given
    if isinstance(given, Mapping):
        if "input_size" in given:
            return timm_models.spec_of_config(given, image_size)
        fields: dict[str, Any] = {} if image_size is None else {"size": image_size}
        if given.get("normalised_inside"):
            fields |= {"mean": (0.0, 0.0, 0.0), "std": (1.0, 1.0, 1.0)}
        return InputSpec.from_dict({**fields, **_side(given), **given})
    if all(hasattr(given, name) for name in ("crop_size", "mean", "std", "interpolation")):
        from ppbench.models import torchvision_models  # slow to import; see `ppbench.models.resnet.resnet`

        return torchvision_models.spec_of(given, image_size)
    raise InputError(
        f"expected spec to be a ppbench.InputSpec or a mapping, got {type(given).__name__}: {EXAMPLE}"
    )


def _side(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the size that the network sees where the images are resized or cropped to it."""
    side = given.get("crop") or given.get("resize")
    return {} if side is None else {"size": side}
