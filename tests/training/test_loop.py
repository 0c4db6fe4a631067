"""The training loop."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import nn

from ppbench.data.image_set import ImageSet
from ppbench.errors import InputError
from ppbench.models.registry import architecture
from ppbench.training.loop import Epoch, clean_error, train
from ppbench.training.recipe import Recipe, load_recipe

CPU = torch.device("cpu")


def _recipe(**changes: object) -> Recipe:
    return load_recipe("digits", {"epochs": 2, "batch_size": 16, "lr": 0.02, **changes})


def _easy(count: int = 64) -> ImageSet:
    """Four classes that one look at the colour tells apart, with noise."""
    rng = np.random.default_rng(0)
    labels = np.arange(count, dtype=np.int64) % 4
    levels = np.array([[220, 30, 30], [30, 220, 30], [30, 30, 220], [120, 120, 120]])
    images = levels[labels][:, None, None] + rng.integers(-30, 30, (count, 32, 32, 3))
    return ImageSet("easy", images.astype(np.uint8), labels, np.arange(count), 4)


def _alexnet() -> nn.Module:
    return architecture("alexnet").build(4, 32)


def _weights(build: Callable[[], nn.Module], seed: int, **changes: object) -> dict[str, torch.Tensor]:
    return train(build, _recipe(**changes), _easy(), seed=seed, device=CPU).state_dict()


@pytest.mark.parametrize("name", ["alexnet", "resnet20-pp"])
def test_the_same_seed_gives_the_same_weights(name: str) -> None:
    """Bit for bit, dropout and batch statistics included, whatever was drawn before; another seed gives others."""

    def build() -> nn.Module:
        return architecture(name).build(4, 32)

    first = _weights(build, 1)
    torch.randn(5)
    second, other = _weights(build, 1), _weights(build, 2)
    assert all(torch.equal(first[key], second[key]) for key in first)
    assert not all(torch.equal(first[key], other[key]) for key in first)


def test_the_callers_random_state_is_left_alone() -> None:
    """Training in the middle of an experiment does not change the experiment."""
    torch.manual_seed(4)
    expected = torch.randn(3)
    torch.manual_seed(4)
    _weights(_alexnet, 0)
    assert torch.equal(torch.randn(3), expected)
    assert not torch.are_deterministic_algorithms_enabled()


def test_a_network_learns() -> None:
    """A linear look at the mean colour goes from three wrong of four to none wrong."""
    recipe, images = _recipe(epochs=6, lr=0.5), _easy(256)

    def build() -> nn.Module:
        linear = nn.Linear(3, 4)
        nn.init.zeros_(linear.weight)
        return nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), linear)

    losses: list[Epoch] = []
    before = clean_error(build().eval(), recipe, images, CPU)
    network = train(build, recipe, images, seed=0, device=CPU, on_epoch=losses.append)
    assert before > 50.0
    assert clean_error(network, recipe, images, CPU) == 0.0
    assert [epoch.number for epoch in losses] == [1, 2, 3, 4, 5, 6]
    assert losses[-1].loss < losses[0].loss
    assert not network.training


def test_clean_error_counts_every_image_once() -> None:
    """A network that always answers class 0 is wrong on all others, in per cent."""

    class Zero(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.eye(4)[torch.zeros(len(x), dtype=torch.long)]

    assert clean_error(Zero(), _recipe(), _easy(513), CPU) == pytest.approx(100 * 384 / 513)


def test_a_diverging_run_stops_with_advice() -> None:
    """Not a number is no result."""
    with pytest.raises(InputError, match="the loss is not finite in epoch 1: expected a smaller lr"):
        _weights(_alexnet, 0, lr=1e9)


def test_too_few_images_are_refused() -> None:
    """Less than one batch would train nothing, in silence."""
    with pytest.raises(InputError, match="at least one batch of 128 training images, got 64"):
        _weights(_alexnet, 0, batch_size=128)


def test_the_network_sees_normalised_images() -> None:
    """Its input is (x/255 - mean)/std, as its input contract says."""
    seen: list[torch.Tensor] = []

    class Peek(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            seen.append(x)
            return torch.zeros(len(x), 4)

    recipe, images = _recipe(mean=[0.1, 0.2, 0.3], std=[0.5, 1.0, 2.0]), _easy(3)
    clean_error(Peek(), recipe, images, CPU)
    expected = (images.images[:] / 255.0 - [0.1, 0.2, 0.3]) / [0.5, 1.0, 2.0]
    assert np.allclose(seen[0].permute(0, 2, 3, 1).numpy(), expected, atol=1e-6)
