"""What the network sees, whatever precision it is trained in."""

import pytest
import torch

from ppbench.training.batches import Views
from tests.training.easy import short_recipe


@pytest.mark.parametrize("jsd", [0.0, 12.0])
def test_prime_makes_the_same_views_in_half_precision(jsd: float) -> None:
    """Its filters, curves and fields are computed in float32, and not in the network's bf16."""
    views = Views(short_recipe(augmentation="prime", jsd=jsd), 32, seed=0)
    ids = torch.arange(24)
    images = torch.randint(0, 256, (1, 24, 3, 32, 32), dtype=torch.uint8)
    for step in range(3):
        expected = views.in_batches(images, ids, step)
        with torch.autocast("cpu", torch.bfloat16):
            made = views.in_batches(images, ids, step)
        assert made.dtype == torch.float32
        assert torch.equal(made, expected)
