"""Moving and mirroring whole batches of small images."""

from typing import Literal

import torch
from torch import Tensor

from corruptions import Random

Fill = Literal["edge", "zero", "reflect"]


def shift_and_flip(
    images: Tensor,
    ids: Tensor,
    *,
    seed: int,
    epoch: int,
    pixels: int,
    fill: Fill = "edge",
    flip: bool = False,
) -> Tensor:
    """Mirror every other image, and move each by up to `pixels` each way; both drawn for each image by itself.

    With zeros at the edges this is the usual pad and random crop.

    Args:
        images: (N, H, W, C), any dtype; channels last, so that one gather moves whole pixels.
        ids: (N,) int64; the draws are a pure function of seed, epoch and id.
        seed: of the training.
        epoch: of the training.
        pixels: at most so many, each direction uniform.
        fill: what appears at the edges: the edge repeated, zeros, or the image mirrored at its edge pixel.
        flip: whether an image is mirrored, by even chances.

    Returns:
        (N, H, W, C) of the same dtype, on the same device.
    """
    if pixels == 0 and not flip:
        return images
    n, height, width, _ = images.shape
    draws = Random(seed, f"geometry/{epoch}", 0, ids, images.device)
    moves = draws.integers("shift", 2, low=-pixels, high=pixels + 1)
    rows = torch.arange(height, device=images.device) + moves[:, :1]
    columns = torch.arange(width, device=images.device) + moves[:, 1:]
    if flip:
        mirrored = draws.integers("flip", 1, low=0, high=2).bool()
        columns = torch.where(mirrored, columns.flip(1), columns)
    there = _inside(rows, height)[:, :, None] & _inside(columns, width)[:, None, :]
    image = torch.arange(n, device=images.device)[:, None, None]
    moved = images[image, _held(rows, height, fill)[:, :, None], _held(columns, width, fill)[:, None, :]]
    return moved * there[..., None] if fill == "zero" else moved


def _inside(places: Tensor, length: int) -> Tensor:
    return (places >= 0) & (places < length)


def _held(places: Tensor, length: int, fill: Fill) -> Tensor:
    """Return places that are on the image."""
    if fill == "reflect":
        places = places.abs()
        places = torch.where(places >= length, 2 * (length - 1) - places, places)
    return places.clamp(0, length - 1)
