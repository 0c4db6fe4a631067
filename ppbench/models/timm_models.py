"""Models of the timm library and of its hub: ``timm:NAME`` and ``hf-hub:OWNER/NAME``. timm is an extra of ppbench."""

import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from importlib import import_module
from math import floor
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies

from torch import nn

from ppbench.errors import InputError, unknown
from ppbench.models.checkpoint import Weights
from ppbench.models.index import give_libraries_a_home
from ppbench.models.input_spec import InputSpec
from ppbench.models.output_choice import ClassList
from ppbench.models.recognise import skeleton
from ppbench.models.registry import Architecture
from ppbench.models.stems import PLAIN
from ppbench.models.zoo_contract import ZooContract, interpolation_of, published_as
from ppbench.models.zoo_names import needs_timm

_INPUT_ARGUMENTS = (
    "in_chans",
    "input_size",
    "img_size",
    "mean",
    "std",
    "interpolation",
    "crop_pct",
    "crop_mode",
)
"""The arguments of timm's training that its input depends on."""

_PATIENCE_S = 5.0
"""Seconds that the hub's server has to answer."""

_IMAGENET_1K = 1000

_SHOWN = 3
"""So many other tags are named where a network's tags disagree."""


def pretrained(model: str, interpolation: str | None = None) -> tuple[nn.Module, ZooContract]:
    """Return a network with its published weights, and its input contract.

    Args:
        model: ``timm:NAME``, ``timm:NAME.TAG`` or ``hf-hub:OWNER/NAME``.
        interpolation: what the user insists on; None takes timm's.

    Raises:
        InputError: timm is not installed, there is no such network, its weights cannot be downloaded, or it takes
            no square colour images.
    """
    give_libraries_a_home()
    timm = _timm(model)
    name = _known(timm, model)
    try:
        with _without_vain_tries() as connected:
            network: nn.Module = timm.create_model(name, pretrained=True)
    except Exception as error:
        reason = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
        raise InputError(
            f"{model}: cannot download the weights ({reason if connected else 'no connection'}): "
            "connect to the internet, or pass the file with --checkpoint"
        ) from error
    return network, contract_of(network, model, interpolation)


@contextmanager
def _without_vain_tries() -> Iterator[bool]:
    """Have the hub's library look only into its cache where its server cannot be reached, and say whether it can.

    Left to itself it tries for a minute. A proxy is left to it.
    """
    from huggingface_hub import constants

    host = urlsplit(constants.ENDPOINT)
    connected = bool(getproxies()) or constants.HF_HUB_OFFLINE or _answers(host.hostname, host.port or 443)
    before = constants.HF_HUB_OFFLINE
    constants.HF_HUB_OFFLINE = before or not connected
    try:
        yield connected
    finally:
        constants.HF_HUB_OFFLINE = before


def _answers(host: str | None, port: int) -> bool:
    try:
        socket.create_connection((host or "", port), timeout=_PATIENCE_S).close()
    except OSError:
        return False
    return True


def as_architecture(model: str) -> Architecture:
    """Return a network of timm as one that weights can be loaded into.

    Raises:
        InputError: timm is not installed, or there is no such network.
    """
    timm = _timm(model)
    name = _known(timm, model)

    def build(num_classes: int, _image_size: int) -> nn.Module:
        def make() -> nn.Module:
            network: nn.Module = timm.create_model(name, pretrained=False, num_classes=num_classes)
            return network

        return skeleton(make)

    return Architecture(model, name, "timm", f"{name} of timm", PLAIN, build)


def spec_of_config(config: Mapping[str, Any], image_size: int | None) -> InputSpec:
    """Return the input contract that a data configuration of timm describes.

    The images are resized where the network was trained at another size than theirs, and never cropped.

    Args:
        config: of `timm.data.resolve_model_data_config`.
        image_size: of the images, in pixels; None: they have the configuration's.

    Raises:
        InputError: it is no such configuration, or resizes in a way that ppbench lacks.
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
        interpolation=interpolation_of(interpolation, "spec", None),
    )


def contract_of(network: nn.Module, model: str, interpolation: str | None = None) -> ZooContract:
    """Return the input contract that timm keeps beside a network.

    Args:
        network: what timm made; it carries its configuration.
        model: what messages call it.
        interpolation: what the user insists on; None takes timm's.

    Raises:
        InputError: it takes other images than square ones of three channels, or resizes in a way that ppbench lacks.
    """
    config = _config_of(network)
    return _contract(config, _name(config) or model, model, interpolation)


def class_list(model: str, outputs: int, contract: ZooContract) -> ClassList | None:
    """Return the WordNet ids of a network's outputs where they are timm's own weights of an ImageNet larger than 1k.

    Args:
        model: ``timm:NAME`` or ``timm:NAME.TAG``; of others nothing is known.
        outputs: of the network.
        contract: of timm's weights; they have so many outputs, or these are not they.
    """
    if not model.startswith("timm:") or outputs == _IMAGENET_1K or contract.num_classes != outputs:
        return None
    data = _timm(model).data
    name = data.infer_imagenet_subset({"num_classes": outputs})
    if name is None or len(names := data.ImageNetInfo(name).label_names()) != outputs:
        return None
    return ClassList(tuple(names), f"timm's list of {name}")


def with_file(
    model: str, weights: Weights, sha256: str, image_size: int, interpolation: str | None = None
) -> tuple[Architecture, ZooContract]:
    """Return what a file of weights is loaded into, and its input contract.

    The contract is that of the tag which the name has (``timm:NAME.TAG``); else of the tag that timm's training wrote
    into the file, or whose published file this is, by its digest; else of timm's default tag. What the file has of the
    arguments of timm's training (``--img-size``, ``--mean``, …) goes before it, as in timm.

    Args:
        model: ``timm:NAME`` or ``timm:NAME.TAG``.
        weights: of the file.
        sha256: of the file.
        image_size: of the images that will come, in pixels.
        interpolation: what the user insists on; None takes timm's.

    Raises:
        InputError: timm is not installed, there is no such network or tag, or it takes other images than `contract_of`
            allows.
    """
    timm = _timm(model)
    architecture = as_architecture(model)
    name, arguments = architecture.base, _training_arguments(weights.raw.content)
    tags = _tags(timm, name.partition(".")[0])
    if name in tags:
        taken: str | None = name
    elif (trained := arguments.get("model")) in tags:
        taken = trained
    else:
        taken = next((tag for tag, config in tags.items() if published_as(config.url, sha256)), None)
    config = _listed(timm, taken or name)
    contract = _contract(config, _name(config) or name, model, interpolation, arguments)
    if taken is not None or arguments:
        return architecture, contract
    others = [
        tag
        for tag, other in tags.items()
        if not contract.agrees(_contract(other.to_dict(), tag, model, interpolation), image_size)
    ]
    return architecture, replace(contract, assumed=_assumed(_name(config), others))


def _assumed(taken: str, others: list[str]) -> tuple[str, ...]:
    if not others:
        return ()
    more = f" and {len(others) - _SHOWN} more" if len(others) > _SHOWN else ""
    clause = (
        f"the input of {taken}, timm's default; that of {', '.join(others[:_SHOWN])}{more} differs: "
        f"--model timm:{others[0]} takes it"
    )
    return (clause,)


def _tags(timm: Any, base: str) -> dict[str, Any]:
    """The configurations of a network's sets of weights, by ``NAME.TAG``."""
    return {
        tag: timm.models.get_pretrained_cfg(tag) for tag in timm.list_models(f"{base}.*", include_tags=True)
    }


def _listed(timm: Any, name: str) -> dict[str, Any]:
    """The configuration of a network or of one set of its weights, without building it where that is possible."""
    found = timm.models.get_pretrained_cfg(name)
    if found is not None:
        return dict(found.to_dict())
    # Names of timm's past lead to networks of other names: those that are built know their own.
    return _config_of(skeleton(lambda: timm.create_model(name, pretrained=False)))


def _config_of(network: nn.Module) -> dict[str, Any]:
    """The configuration that timm put on a network."""
    return dict(getattr(network, "pretrained_cfg", None) or {})


def _name(config: dict[str, Any]) -> str:
    """Network and tag that a configuration is of, as far as it says so."""
    return ".".join(str(config[key]) for key in ("architecture", "tag") if config.get(key))


def _contract(
    config: dict[str, Any],
    name: str,
    model: str,
    interpolation: str | None,
    arguments: Mapping[str, Any] = MappingProxyType({}),
) -> ZooContract:
    said_by = f"timm's configuration of {name}"
    resolve = _timm(model).data.resolve_data_config
    try:
        data = resolve(dict(arguments), pretrained_cfg=config)
        if arguments:
            changed = data != resolve(pretrained_cfg=config)
            said_by = f"timm's training in the file{', over' if changed else ', by'} {said_by}"
        (channels, height, width), resize = (
            data["input_size"],
            floor(data["input_size"][1] / data["crop_pct"]),
        )
    except (AssertionError, TypeError, ValueError, ArithmeticError) as error:
        raise InputError(
            f"{model}: expected the input of timm's training in the file, got {dict(arguments)}: "
            "save the state_dict alone, and pass --mean, --std and --resize"
        ) from error
    if channels != 3:
        raise InputError(f"{model}: expected a network of 3 channels (RGB), got {channels}: use another one")
    if height != width:
        raise InputError(
            f"{model}: expected a network of square images, got {height}x{width} pixels (height x width): "
            "use another one"
        )
    spec = InputSpec(
        size=height,
        mean=tuple(data["mean"]),
        std=tuple(data["std"]),
        resize=resize,
        crop=height,
        interpolation=interpolation_of(data["interpolation"], model, interpolation),
    )
    # After timm's own training the contract is the one that was trained with, however many classes there are.
    return ZooContract(spec, said_by, None if arguments else config.get("num_classes"))


def _training_arguments(content: Any) -> dict[str, Any]:
    """What timm's training wrote into a checkpoint of its arguments on the input; empty for files of others."""
    found = content.get("args") if isinstance(content, dict) and "arch" in content else None
    given = (
        found if isinstance(found, dict) else getattr(found, "state", None) or getattr(found, "__dict__", {})
    )
    if not isinstance(given, dict) or not isinstance(given.get("model"), str):
        return {}
    return {name: given[name] for name in ("model", *_INPUT_ARGUMENTS) if given.get(name) is not None}


def _timm(model: str) -> Any:
    # Imported by name: it is an extra, and without it everything else still works.
    try:
        return import_module("timm")
    except ImportError as error:
        raise needs_timm(model) from error


def _known(timm: Any, model: str) -> str:
    if model.startswith("hf-hub:"):
        return model
    name = model.removeprefix("timm:")
    if not timm.is_model(name):
        raise unknown("timm model", name, timm.list_models(), listed_by="timm.list_models()")
    base, dot, _ = name.partition(".")
    if dot and name not in (tags := _tags(timm, base)):
        raise unknown(f"weights of timm:{base}", name, list(tags) or [base])
    return name
