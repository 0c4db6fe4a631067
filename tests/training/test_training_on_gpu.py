"""Training where there is a GPU."""

from pathlib import Path

import pytest
import torch
from torch import nn

from ppbench.training.augmentations.prime import Prime, PrimeConfig
from ppbench.training.fitting import fit
from ppbench.training.hardware import Hardware
from tests.training.easy import easy_images, error_of, short_recipe

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device"),
]


def _small() -> nn.Module:
    layers = [
        nn.Conv2d(3, 8, 3, 2),
        nn.BatchNorm2d(8),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(8, 4),
    ]
    return nn.Sequential(*layers)


@pytest.mark.parametrize("precision", ["32", "bf16", "16"])
def test_a_network_learns_on_a_gpu(precision: str, tmp_path: Path) -> None:
    """In every precision; it comes back to the CPU in single precision."""
    recipe, images = short_recipe(epochs=8, lr=0.1, precision=precision), easy_images(512)
    network = fit(_small, recipe, images, seed=0, folder=tmp_path, hardware=Hardware("cuda"))
    assert network is not None
    assert {(p.device.type, p.dtype) for p in network.parameters()} == {("cpu", torch.float32)}
    assert error_of(network, recipe, images) < 5.0


def test_double_precision_trains_the_same_on_cpu_and_gpu(tmp_path: Path) -> None:
    """The same images, crops and order: the weights agree to 1e-5 after eight steps."""
    recipe = short_recipe(precision="64", augmentation="none")
    found = []
    for device in ("cpu", "cuda"):
        network = fit(
            _small, recipe, easy_images(), seed=0, folder=tmp_path / device, hardware=Hardware(device)
        )
        assert network is not None
        found.append(network.state_dict())
    for name, value in found[0].items():
        assert torch.allclose(value.double(), found[1][name].double(), rtol=1e-5, atol=1e-5), name


def test_prime_is_the_same_on_cpu_and_gpu() -> None:
    """Its draws are; its arithmetic differs by rounding, which a steep colour curve makes a level of 255 of."""
    images = torch.rand(16, 3, 32, 32)
    prime, ids = Prime(PrimeConfig.cifar()), torch.arange(16)
    here = prime(images, seed=0, step=3, ids=ids)
    there = prime(images.cuda(), seed=0, step=3, ids=ids).cpu()
    assert ((here - there).abs() > 1 / 255).double().mean() < 1e-3
