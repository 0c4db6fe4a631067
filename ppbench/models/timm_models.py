"""Models of the timm library and of its hub: ``timm:NAME`` and ``hf-hub:OWNER/NAME``. timm is an extra of ppbench."""

from collections.abc import Mapping
from importlib import import_module
from typing import Any

from torch import nn

from ppbench.errors import InputError, unknown
from ppbench.models.folders import give_libraries_a_home
from ppbench.models.input_spec import INTERPOLATIONS, InputSpec
from ppbench.models.registry import Architecture
from ppbench.models.stems import PLAIN

PREFIXES = ("timm:", "hf-hub:")


def pretrained(model: str, image_size: int) -> tuple[nn.Module, InputSpec]:
    """Return a network with its published weights, and its input contract at this image size.

    Raises:
        InputError: timm is not installed, there is no such network, or its weights cannot be downloaded.
    """
    give_libraries_a_home()
    timm = _timm(model)
    name = _known(timm, model)
    try:
        network: nn.Module = timm.create_model(name, pretrained=True)
    except Exception as error:
        reason = " ".join(str(error).split())[:200]
        raise InputError(
            f"{model}: cannot download the weights ({type(error).__name__}: {reason}): "
            "connect to the internet, or pass the file with --checkpoint"
        ) from error
    return network, spec_of(network, image_size)


def as_architecture(model: str) -> Architecture:
    """Return a network of timm as one that weights can be loaded into.

    Raises:
        InputError: timm is not installed, or there is no such network.
    """
    timm = _timm(model)
    if model.startswith("hf-hub:"):
        raise InputError(
            f"{model}: a model of the hub has weights of its own: expected timm:NAME with --checkpoint"
        )
    name = _known(timm, model)

    def build(num_classes: int, _image_size: int) -> nn.Module:
        network: nn.Module = timm.create_model(name, pretrained=False, num_classes=num_classes)
        return network

    return Architecture(model, name, "timm", f"{name} of timm", PLAIN, build)


def spec_of(network: nn.Module, image_size: int) -> InputSpec:
    """Return the input contract that timm keeps beside a network, for images that have the benchmark's size."""
    return spec_of_config(_timm("timm").data.resolve_model_data_config(network), image_size)


def spec_of_config(config: Mapping[str, Any], image_size: int | None) -> InputSpec:
    """Return the input contract that a data configuration of timm describes.

    The images are resized where the network was trained at another size than theirs.

    Args:
        config: of `timm.data.resolve_model_data_config`.
        image_size: of the images, in pixels; None: they have the configuration's.

    Raises:
        InputError: it is no such configuration.
    """
    try:
        size = int(config["input_size"][-1])
        mean, std, interpolation = tuple(config["mean"]), tuple(config["std"]), str(config["interpolation"])
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise InputError(
            f"expected a data configuration of timm with input_size, mean, std and interpolation, got {config!r}"
        ) from error
    return InputSpec(
        size=size,
        mean=mean,
        std=std,
        resize=None if image_size in (None, size) else size,
        interpolation=interpolation if interpolation in INTERPOLATIONS else "bicubic",
    )


def _timm(model: str) -> Any:
    # Imported by name: it is an extra, and without it everything else still works.
    try:
        return import_module("timm")
    except ImportError as error:
        raise InputError(f'{model}: needs the package timm: pip install "ppbench[timm]"') from error


def _known(timm: Any, model: str) -> str:
    if model.startswith("hf-hub:"):
        return model
    name = model.removeprefix("timm:")
    if not timm.is_model(name):
        raise unknown("timm model", name, timm.list_models())
    return name
