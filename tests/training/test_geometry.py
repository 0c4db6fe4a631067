"""Shifts and flips of whole batches."""

import torch
from hypothesis import given
from hypothesis import strategies as st

from ppbench.training.augmentations.operations import Fill, shift_and_flip

FILLS: tuple[Fill, ...] = ("edge", "zero", "reflect")


def _padded(image: torch.Tensor, pixels: int, fill: Fill) -> torch.Tensor:
    """(H, W, C) -> (H + 2 pixels, W + 2 pixels, C), by torch's own padding."""
    mode = {"edge": "replicate", "zero": "constant", "reflect": "reflect"}[fill]
    padded = torch.nn.functional.pad(image.permute(2, 0, 1)[None].double(), [pixels] * 4, mode=mode)
    return padded[0].permute(1, 2, 0).to(image.dtype)


@given(st.integers(0, 4), st.integers(0, 6), st.integers(0, 1000), st.sampled_from(FILLS), st.booleans())
def test_a_shifted_image_is_a_crop_of_the_padded_one(
    count: int, pixels: int, seed: int, fill: Fill, flip: bool
) -> None:
    """Each is one of the (2·pixels+1)² crops, perhaps mirrored before, and nothing else."""
    height, width = 7, 9
    images = (1 + torch.arange(count * height * width * 3)).view(count, height, width, 3).int()
    moved = shift_and_flip(
        images, torch.arange(count), seed=seed, epoch=0, pixels=pixels, fill=fill, flip=flip
    )
    assert moved.shape == images.shape
    for image, one in zip(images, moved, strict=True):
        sources = [image, image.flip(1)] if flip else [image]
        crops = (
            _padded(source, pixels, fill)[y : y + height, x : x + width]
            for source in sources
            for y in range(2 * pixels + 1)
            for x in range(2 * pixels + 1)
        )
        assert any(torch.equal(crop, one) for crop in crops)


def test_every_shift_and_flip_occurs_equally_often() -> None:
    """9,000 draws over eighteen cases: each 500 times, within five standard deviations."""
    ramp = torch.arange(25).view(1, 5, 5, 1).expand(9000, 5, 5, 1)
    moved = shift_and_flip(ramp, torch.arange(9000), seed=0, epoch=0, pixels=1, flip=True)
    mirrored = moved[:, 2, 3, 0] < moved[:, 2, 1, 0]
    counts = torch.bincount(moved[:, 2, 2, 0] + 25 * mirrored, minlength=50)
    assert (counts > 0).sum() == 18
    assert counts[counts > 0].sub(500).abs().max() < 5 * (9000 * (1 / 18) * (17 / 18)) ** 0.5


def test_an_image_is_moved_alike_in_any_batch() -> None:
    """The draws follow from seed, epoch and id alone; another epoch has others."""
    images = torch.randint(0, 256, (40, 8, 8, 3), dtype=torch.uint8)
    ids = torch.arange(100, 140)

    def moved(rows: torch.Tensor, epoch: int = 3) -> torch.Tensor:
        return shift_and_flip(images[rows], ids[rows], seed=1, epoch=epoch, pixels=2, fill="zero", flip=True)

    whole, order = moved(torch.arange(40)), torch.randperm(40)
    assert torch.equal(moved(order), whole[order])
    assert torch.equal(moved(torch.tensor([7])), whole[7:8])
    assert not torch.equal(moved(torch.arange(40), epoch=4), whole)
