"""Networks whose weights a file will bring: built without memory and random numbers where that loses nothing."""

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor, nn


def skeleton(make: Callable[[], nn.Module]) -> nn.Module:
    """Return a network on the meta device, or a real one where a state dict would not bring all of its tensors.

    Relative positions, attention masks and blur filters are often buffers that no state dict has: on the meta device
    they would stay empty.

    Args:
        make: builds the network where torch's default device is.
    """
    try:
        with torch.device("meta"):
            network = make()
    except Exception:  # noqa: BLE001  values that are looked at fail in many ways; what fails anywhere fails below
        network = None
    if network is None or any(_left_empty(network)):
        with torch.device("cpu"):
            network = make()
    return network


def _left_empty(network: nn.Module) -> Iterator[bool]:
    """Say of each tensor that no state dict brings whether it has no values."""
    brought = set(network.state_dict())
    for name, buffer in network.named_buffers():
        yield name not in brought and buffer.is_meta
    for module in network.modules():
        for key, value in vars(module).items():
            if key not in ("_parameters", "_buffers", "_modules"):
                yield any(tensor.is_meta for tensor in _tensors(value))


def _tensors(value: Any) -> Iterator[Tensor]:
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _tensors(each)
    elif isinstance(value, dict):
        yield from _tensors(list(value.values()))
