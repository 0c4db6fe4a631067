from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from ppbench.models.recognise import skeleton


class WithBuffer(nn.Module):
    """A network with a buffer, in its state dict or not."""

    def __init__(self, *, persistent: bool) -> None:
        super().__init__()
        self.layer = nn.Linear(2, 2)
        self.register_buffer("index", torch.arange(3), persistent=persistent)


class WithAttribute(nn.Module):
    """A network with a tensor that is neither a parameter nor a buffer."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(2, 2)
        self.scales = {"per channel": [torch.ones(3)]}


def test_no_memory_where_a_file_brings_everything() -> None:
    """All tensors are in the state dict: none of them takes memory."""
    network = skeleton(
        lambda: nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), WithBuffer(persistent=True))
    )
    assert all(tensor.is_meta for tensor in network.state_dict().values())


def test_what_no_file_brings_has_its_values() -> None:
    """A buffer that no state dict has, or a tensor beside the buffers, is there with its values."""
    with torch.device("meta"):  # as the loader calls it
        buffer, attribute = skeleton(lambda: WithBuffer(persistent=False)), skeleton(WithAttribute)
    assert buffer.index.tolist() == [0, 1, 2]
    assert attribute.scales["per channel"][0].tolist() == [1, 1, 1]


@pytest.mark.parametrize("look", [Tensor.item, float, Tensor.tolist, lambda each: each.numpy()[()]])
def test_values_that_are_looked_at_while_building(look: Callable[[Tensor], Any]) -> None:
    """A network that asks a tensor for its value, as older ones do for their drop rates, is built for real."""
    network = skeleton(lambda: nn.Sequential(nn.Dropout(look(torch.linspace(0, 0.5, 3)[1])), nn.Linear(2, 2)))
    assert network[0].p == 0.25
    assert not network[1].weight.is_meta


def test_what_fails_anywhere_says_so() -> None:
    """A network that cannot be built at all ends in its own error."""

    def make() -> nn.Module:
        raise KeyError("no such layer")

    with pytest.raises(KeyError, match="no such layer"):
        skeleton(make)
