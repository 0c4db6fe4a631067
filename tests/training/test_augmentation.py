"""Augmentations of batches."""

import torch
from hypothesis import given
from hypothesis import strategies as st

from ppbench.training.augmentation import random_shift


@given(st.integers(0, 4), st.integers(0, 6), st.integers(0, 1000))
def test_a_shifted_image_is_the_image_moved_with_its_edges_repeated(
    count: int, pixels: int, seed: int
) -> None:
    """Each image is one of the (2·pixels+1)² shifts of itself, and nothing else."""
    height, width = 7, 9
    images = torch.arange(count * height * width * 3).view(count, height, width, 3).int()
    shifted = random_shift(images, pixels, torch.Generator().manual_seed(seed))
    assert shifted.shape == images.shape
    for image, moved in zip(images, shifted, strict=True):
        candidates = [
            image[(torch.arange(height) + y).clamp(0, height - 1)][
                :, (torch.arange(width) + x).clamp(0, width - 1)
            ]
            for y in range(-pixels, pixels + 1)
            for x in range(-pixels, pixels + 1)
        ]
        assert any(torch.equal(candidate, moved) for candidate in candidates)


def test_every_shift_occurs_equally_often() -> None:
    """9,000 draws over nine shifts: each 1,000 times, within five standard deviations."""
    ramp = torch.arange(25).view(1, 5, 5, 1).expand(9000, 5, 5, 1)
    centres = random_shift(ramp, 1, torch.Generator().manual_seed(0))[:, 2, 2, 0]
    counts = torch.bincount(centres, minlength=25)
    assert set(counts.nonzero().flatten().tolist()) == {6, 7, 8, 11, 12, 13, 16, 17, 18}
    assert counts[counts > 0].sub(1000).abs().max() < 5 * (9000 * (1 / 9) * (8 / 9)) ** 0.5
