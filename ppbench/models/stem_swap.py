"""A plain first convolution turned into a push-pull one, on request only: for analysis, not a trained network."""

from dataclasses import replace

import torch

from ppbench.errors import InputError
from ppbench.models.checkpoint import Weights
from ppbench.models.registry import Architecture


def with_stem(weights: Weights, target: Architecture) -> Weights:
    """Return the weights of a plain network as those of its push-pull version.

    The plain kernel becomes the push kernel. A trained strength has no value yet: it starts at 1, the unit's
    default. The 2024 unit's bias is the plain convolution's, or 0.

    Args:
        weights: of a network with a plain stem.
        target: the same network with a push-pull stem.

    Raises:
        InputError: the weights are of another network, or have a push-pull stem already.
    """
    traits = weights.traits
    if target.stem.unit == "plain":
        raise InputError(
            f"--as names a push-pull network, and {target.name} is none: {target.name}-pp is one"
        )
    if traits is None or traits.base != target.base or traits.unit != "plain":
        raise InputError(
            f"{weights.raw.path}: --as {target.name} needs the weights of a plain {target.base}, and these are "
            f"{weights.describe()}"
        )
    conv = "features.0" if target.family == "alexnet" else "conv1"
    tensors = dict(weights.tensors)
    kernel = tensors.pop(f"{conv}.weight")
    bias = tensors.pop(f"{conv}.bias", None)
    trained = target.stem.strength is None
    if target.stem.unit == "2024":
        tensors[f"{conv}.push_conv.weight"] = kernel
        tensors[f"{conv}.bias"] = torch.zeros(len(kernel)) if bias is None else bias
        if trained:
            tensors[f"{conv}.pull_inhibition_strength"] = torch.ones(len(kernel))
    else:
        if bias is not None and bias.any():
            raise InputError(
                f"{weights.raw.path}: its first convolution has a bias, which the 2020 layer cannot take: name a 2024 "
                f"unit with --as, such as {target.base}-pp"
            )
        tensors[f"{conv}.push.weight"] = kernel
        if trained:
            tensors[f"{conv}.alpha"] = torch.ones(1, len(kernel), 1, 1)
    strength = "1, not trained" if trained else f"{target.stem.strength:g}"
    note = (
        f"turned the plain stem into {target.name}'s (inhibition {strength}): not a trained push-pull network"
    )
    return replace(
        weights,
        tensors=tensors,
        state=replace(weights.state, tensors=tensors),
        traits=replace(traits, unit=target.stem.unit, trained=trained, stem_bias=False),
        notes=(*weights.notes, note),
    )
