"""What a trained network gets wrong of its clean test images."""

import numpy as np
import pytest
import torch
from torch import nn

from ppbench.models.input_spec import InputSpec
from ppbench.models.loaded_model import LoadedModel
from ppbench.training.card import clean_error
from tests.training.easy import easy_images

SPEC = InputSpec(size=32, mean=(0.1, 0.2, 0.3), std=(0.5, 1.0, 2.0))


def test_clean_error_counts_every_image_once() -> None:
    """A network that always answers class 0 is wrong on all others, in per cent; the last batch is smaller."""

    class Zero(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.eye(4)[torch.zeros(len(x), dtype=torch.long)]

    assert clean_error(LoadedModel("zero", "zero", Zero(), SPEC, 4), easy_images(513)) == pytest.approx(
        100 * 384 / 513
    )


def test_the_network_sees_normalised_images() -> None:
    """Its input is (x/255 - mean)/std, as its input contract says, and it is asked in evaluation mode."""
    seen: list[torch.Tensor] = []

    class Peek(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            assert not self.training
            seen.append(x)
            return torch.zeros(len(x), 4)

    images = easy_images(3)
    clean_error(LoadedModel("peek", "peek", Peek(), SPEC, 4), images)
    expected = (images.images[:] / 255.0 - [0.1, 0.2, 0.3]) / [0.5, 1.0, 2.0]
    assert np.allclose(seen[0].permute(0, 2, 3, 1).numpy(), expected, atol=1e-6)
