"""Models of torchvision's zoo: ``torchvision:NAME`` and ``torchvision:NAME@WEIGHTS``, with its weights or a file's."""

import re
from collections.abc import Sequence
from dataclasses import replace
from math import isqrt
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torchvision import models

from ppbench.errors import InputError, unknown
from ppbench.models.checkpoint import Weights
from ppbench.models.index import give_libraries_a_home
from ppbench.models.input_spec import InputSpec
from ppbench.models.recognise import skeleton
from ppbench.models.registry import Architecture
from ppbench.models.stems import PLAIN
from ppbench.models.zoo_contract import ZooContract, interpolation_of, published_as

_TRANSFORM_INPUT = ("googlenet", "inception_v3")
"""Their weights come with `transform_input`, which brings images that were normalised by ImageNet's mean and std to
mean 0.5 and std 0.5. It is part of the contract here, and off in the network: what the network sees is said in full."""

_HALF = (0.5, 0.5, 0.5)

_AUXILIARY = re.compile(r"(aux1|aux2|AuxLogits)\.")


def split(model: str) -> tuple[str, str | None]:
    """Return network and weights of ``torchvision:NAME@WEIGHTS``; None where no weights are named."""
    name, _, weights = model.removeprefix("torchvision:").partition("@")
    return name, weights or None


def as_architecture(name: str, side: int | None = None) -> Architecture:
    """Return a classification network of torchvision as one that weights can be loaded into.

    Args:
        name: torchvision's.
        side: of the images that a vision transformer's position embeddings are for, in pixels; None takes its usual.

    Raises:
        InputError: torchvision has no classification network of this name; the nearest one is suggested.
    """
    _check(name)
    options: dict[str, Any] = {} if side is None else {"image_size": side}
    if name in _TRANSFORM_INPUT:
        options |= {"aux_logits": False, "init_weights": False}

    def build(num_classes: int, _image_size: int) -> nn.Module:
        def make() -> nn.Module:
            network: nn.Module = models.get_model(name, weights=None, num_classes=num_classes, **options)
            return network

        return skeleton(make)

    return Architecture(f"torchvision:{name}", name, "torchvision", f"{name} of torchvision", PLAIN, build)


def pretrained(
    name: str, weights_name: str | None, interpolation: str | None = None
) -> tuple[nn.Module, ZooContract, str]:
    """Return a pretrained network, its input contract, and the name of its weights.

    The weights are downloaded into torch's own cache on first use, and their hash is checked there.

    Raises:
        InputError: no such network or weights, or they cannot be downloaded.
    """
    weights = _named(name, weights_name or "DEFAULT")
    give_libraries_a_home()
    try:
        network: nn.Module = models.get_model(name, weights=weights)
    except (OSError, RuntimeError) as error:
        folder = Path(torch.hub.get_dir()) / "checkpoints"
        raise InputError(
            f"cannot download the weights of torchvision:{name} ({error}): put {weights.url} into {folder}, "
            "or pass the file with --checkpoint"
        ) from error
    if name in _TRANSFORM_INPUT:
        network.transform_input = False  # type: ignore[assignment]  # torchvision's own attribute, a bool
    return network, contract_of(name, weights, interpolation), weights.name


def contract_of(name: str, weights: Any, interpolation: str | None = None) -> ZooContract:
    """Return the input contract of a network with one of torchvision's sets of weights.

    Args:
        name: torchvision's name of the network.
        weights: the member of its weights enum.
        interpolation: what the user insists on; None takes the transforms'.
    """
    spec = _whole_spec(weights.transforms(), f"torchvision:{name}", interpolation)
    folded = name in _TRANSFORM_INPUT
    if folded:
        spec = replace(spec, mean=_HALF, std=_HALF)
    more = ", with its transform_input" if folded else ""
    classes = weights.meta["categories"]
    return ZooContract(
        spec, f"torchvision's transforms of {weights.name}{more}", None if classes is None else len(classes)
    )


def with_file(
    model: str, weights: Weights, sha256: str, image_size: int, interpolation: str | None = None
) -> tuple[Architecture, Weights, ZooContract]:
    """Return what a file of weights is loaded into, what of the file goes in, and the input contract.

    The contract is that of the weights which the name has behind its ``@``; else of those whose published file this is,
    by its digest; else of torchvision's default ones, among those for images of the size that the file's position
    embeddings have, where there are any.

    Args:
        model: ``torchvision:NAME`` or ``torchvision:NAME@WEIGHTS``.
        weights: of the file.
        sha256: of the file.
        image_size: of the images that will come, in pixels.
        interpolation: what the user insists on; None takes the transforms'.

    Raises:
        InputError: no such network or weights, or the file is known to hold others than were named.
    """
    name, weights_name = split(model)
    _check(name)
    side = _side(weights.state.tensors) if name.startswith("vit_") else None
    architecture = as_architecture(name, side)
    kinds = _fitting(name, side)
    proven = next((kind for kind in models.get_model_weights(name) if published_as(kind.url, sha256)), None)
    named = None if weights_name is None else _named(name, weights_name)
    if named is not None and proven is not None and named is not proven:
        raise InputError(
            f"{weights.raw.path}: expected {named.name} of torchvision:{name}, got the file of {proven.name} "
            f"(by its sha256, {sha256[:8]}…): pass --model torchvision:{name}@{proven.name}"
        )
    chosen = named or proven or kinds[0]
    contract = contract_of(name, chosen, interpolation)
    if (
        side is not None and side != contract.spec.size
    ):  # position embeddings interpolated to a size of one's own
        contract = replace(
            contract,
            spec=replace(contract.spec, size=side, resize=side, crop=side),
            said_by=f"{contract.said_by}, {side} pixels by its position embeddings",
        )
    if named is None and proven is None:
        contract = replace(contract, assumed=_assumed(name, chosen, kinds, image_size))
    return architecture, _without_auxiliary(name, weights), contract


def without_transform_input(name: str, given: Sequence[str]) -> tuple[str, ...]:
    """Return a clause where a user's mean and std are not what torchvision's documentation means by them.

    Args:
        name: torchvision's name of the network.
        given: the fields of the input contract that the user insists on.
    """
    if name not in _TRANSFORM_INPUT or not {"mean", "std"} & set(given):
        return ()
    clause = (
        f"--mean and --std to be those of {name} itself, whose transform_input is off: with torchvision's weights and "
        "the mean and std of its documentation leave both away"
    )
    return (clause,)


def _assumed(name: str, chosen: Any, kinds: list[Any], image_size: int) -> tuple[str, ...]:
    """Say which weights were taken where torchvision has others with another contract, and what came with them."""
    ours = contract_of(name, chosen)
    others = [kind for kind in kinds if not ours.agrees(contract_of(name, kind), image_size)]
    clauses = []
    if others:
        names = " and ".join(kind.name for kind in others)
        clauses.append(
            f"the input of {chosen.name}, torchvision's default; that of {names} differs: "
            f"--model torchvision:{name}@{others[0].name} takes it"
        )
    if name in _TRANSFORM_INPUT:
        transforms = chosen.transforms()
        mean, std = (",".join(f"{each:g}" for each in values) for values in (transforms.mean, transforms.std))
        clauses.append(
            "transform_input, which torchvision's weights come with; a network trained from scratch has none: "
            f"--mean {mean} --std {std}"
        )
    return tuple(clauses)


def _fitting(name: str, side: int | None) -> list[Any]:
    """The weights that classify, torchvision's default first; those for images of this side where there are any."""
    enum = models.get_model_weights(name)
    kinds = [kind for kind in enum if kind.meta["categories"] is not None]
    kinds.sort(key=lambda kind: kind is not enum.DEFAULT)
    return [kind for kind in kinds if kind.transforms().crop_size[0] == side] or kinds


def _side(tensors: dict[str, Tensor]) -> int | None:
    """Side of the images that a vision transformer's position embeddings are for, None if that cannot be told."""
    positions, patches = (
        next((tensor for key, tensor in tensors.items() if key.endswith(name)), None)
        for name in ("encoder.pos_embedding", "conv_proj.weight")
    )
    if positions is None or patches is None or positions.ndim != 3 or patches.ndim != 4:
        return None
    return isqrt(max(positions.shape[1] - 1, 0)) * patches.shape[-1] or None


def _without_auxiliary(name: str, weights: Weights) -> Weights:
    """Leave out the heads that only training uses: files have them or not, with the classes of either data set."""
    if name not in _TRANSFORM_INPUT:
        return weights
    tensors, state = (
        {key: tensor for key, tensor in found.items() if not _AUXILIARY.match(key)}
        for found in (weights.tensors, weights.state.tensors)
    )
    left = len(weights.tensors) - len(tensors)
    notes = (f"left aside {left} tensors of the auxiliary heads, which answers do not use",) if left else ()
    return replace(
        weights,
        tensors=tensors,
        state=replace(weights.state, tensors=state),
        notes=weights.notes + notes,
    )


def _named(name: str, weights_name: str) -> Any:
    """The weights of that name, ``DEFAULT`` included."""
    _check(name)
    kinds = models.get_model_weights(name)
    known = {weights.name: weights for weights in kinds} | {"DEFAULT": kinds.DEFAULT}
    if weights_name not in known:
        raise unknown(f"weights of torchvision:{name}", weights_name, known)
    return known[weights_name]


def _check(name: str) -> None:
    names = models.list_models(module=models)
    if name not in names:
        raise unknown("torchvision model", name, names, listed_by="torchvision.models.list_models()")


def spec_of(transforms: Any, image_size: int | None) -> InputSpec:
    """Return the input contract of torchvision's transforms: resized where images have another size, never cropped.

    Args:
        transforms: of one of torchvision's weights.
        image_size: of the images, in pixels; None: they have the size that the transforms crop to.
    """
    contract = ZooContract(_whole_spec(transforms, "spec", None), "torchvision's transforms", None)
    return contract.for_images(contract.spec.size if image_size is None else image_size)


def _whole_spec(transforms: Any, owner: str, interpolation: str | None) -> InputSpec:
    """Return what torchvision's transforms do to a whole photograph."""
    return InputSpec(
        size=transforms.crop_size[0],
        mean=tuple(transforms.mean),
        std=tuple(transforms.std),
        resize=transforms.resize_size[0],
        crop=transforms.crop_size[0],
        interpolation=interpolation_of(transforms.interpolation.value, owner, interpolation),
        antialias=bool(transforms.antialias),
    )
