"""What augmentations do to batches of small uint8 images: moving, mirroring, and Pillow's operations.

Those on places are Pillow's affine transform with linear interpolation, those on levels tables of what becomes of each
of the 256 levels. What works image by image and draws from torch's own generator is made a function of the image's id.
"""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
import torch.nn.functional as F
from torch import Tensor

from corruptions import Random
from ppbench.training.augmentations import draws
from ppbench.training.augmentations.checks import check_levels
from ppbench.training.recipe import Fill


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


# Results are truncated, as Pillow's are: values that come out whole must not fall a hair below. Places are off by some
# steps of float32 at the image's size, and levels by that times the contrast.
_NUDGE_A_PIXEL = 2.0**-14


def transformed(images: Tensor, matrices: Tensor) -> Tensor:
    """Return uint8 (N,C,H,W) whose pixel at (x, y) is the one at matrix · (x, y, 1); black from outside the image.

    Places are measured from the image's upper left corner, in pixels; a pixel's own is its centre.

    Args:
        images: uint8 (N,C,H,W).
        matrices: float64 (N,2,3).
    """
    n, _, height, width = images.shape
    across = torch.arange(width, device=images.device, dtype=torch.float64) + 0.5
    down = torch.arange(height, device=images.device, dtype=torch.float64) + 0.5
    grid = torch.empty(n, height, width, 2, device=images.device)
    inside = torch.ones(n, height, width, dtype=torch.bool, device=images.device)
    for axis, size in enumerate((width, height)):
        by_x, by_y, offset = matrices[:, axis].unbind(1)
        # In float64 up to here, so that whole numbers of pixels stay whole; the sum is exact enough in float32.
        row = (by_x[:, None] * across).float()
        column = (by_y[:, None] * down + offset[:, None]).float()
        place = row[:, None, :] + column[:, :, None]
        inside &= (place >= 0.0) & (place < size)
        grid[..., axis] = place.mul_(2.0 / size).sub_(1.0)
    moved = F.grid_sample(images.float(), grid, mode="bilinear", padding_mode="border", align_corners=False)
    return moved.add_(_NUDGE_A_PIXEL * max(height, width)).mul_(inside[:, None]).to(torch.uint8)


def rotation(degrees: Tensor, height: int, width: int) -> Tensor:
    """Return the matrices, float64 (N,2,3), of turns by degrees (N), counter-clockwise about the middle."""
    angle = -degrees.double() * (math.pi / 180.0)
    cos, sin = angle.cos(), angle.sin()
    x, y = width / 2.0, height / 2.0
    rows = [cos, sin, x - cos * x - sin * y, -sin, cos, y + sin * x - cos * y]
    return torch.stack(rows, 1).view(-1, 2, 3)


def looked_up(images: Tensor, tables: Tensor) -> Tensor:
    """Return uint8 (N,C,H,W): each level replaced by its entry in uint8 (N,C,256)."""
    places = images.flatten(2).long()
    return tables.gather(2, places).view_as(images)


def autocontrast(images: Tensor) -> Tensor:
    """Return the tables, uint8 (N,C,256), that stretch each channel's levels to 0..255, truncated."""
    flat = images.flatten(2)
    low, high = (extreme(2, keepdim=True).double() for extreme in (flat.amin, flat.amax))
    # Division as Pillow divides: a number over a tensor would be the number times the tensor's reciprocal.
    scale = torch.full_like(low, 255.0) / (high - low)
    levels = _levels(images).double()
    stretched = (levels * scale + -low * scale).clamp(0.0, 255.0)
    return torch.where(high > low, stretched, levels).to(torch.uint8)


def equalize(images: Tensor) -> Tensor:
    """Return the tables, uint8 (N,C,256), that spread each channel's levels evenly; a channel of few pixels stays."""
    n, channels = images.shape[:2]
    row = torch.arange(n * channels, device=images.device).mul_(256)
    places = images.flatten(2).long() + row.view(n, channels, 1)
    counts = places.flatten().bincount(minlength=n * channels * 256).view(n, channels, 256)
    # The pixels of the highest level that occurs count for nothing in the width of a step.
    highest = images.flatten(2).amax(2, keepdim=True).long()
    pixels = images.shape[2] * images.shape[3]
    step = (pixels - counts.gather(2, highest)) // 255
    below = counts.cumsum(2) - counts
    spread = ((step // 2 + below) // step.clamp(min=1)).clamp(max=255)
    return torch.where(step > 0, spread, _levels(images)).to(torch.uint8)


def posterize(bits: Tensor) -> Tensor:
    """Return the tables, uint8 (N,1,256), that keep the highest bits, int64 (N), of each level."""
    mask = 256 - 2 ** (8 - bits)
    return (_levels(bits) & mask[:, None, None]).to(torch.uint8)


def solarize(threshold: Tensor) -> Tensor:
    """Return the tables, uint8 (N,1,256), that invert the levels from the threshold, int64 (N), on."""
    levels = _levels(threshold)
    return torch.where(levels < threshold[:, None, None], levels, 255 - levels).to(torch.uint8)


def _levels(like: Tensor) -> Tensor:
    return torch.arange(256, device=like.device)


class PerImage:
    """A transform of one image, such as torchvision's AutoAugment, for batches.

    Before each image torch's generator on the CPU is seeded from the seed, the epoch, the view and the image's id, and
    after the batch it is put back: an image gets the same augmentation in any batch, order or process, and the caller's
    random state stays as it was.
    """

    def __init__(self, transform: Callable[[Tensor], Tensor], name: str) -> None:
        """Wrap a transform.

        Args:
            transform: of a uint8 (3,H,W) tensor on the CPU to one of the same shape and dtype; draws from torch's
                default generator, and from no other.
            name: tells its draws from those of others.
        """
        self._transform = transform
        self._name = name

    def __call__(self, images: Tensor, *, seed: int, epoch: int, ids: Tensor, view: int = 0) -> Tensor:
        """Return one augmented view of each image.

        Args:
            images: uint8 (N,3,H,W), on any device; they are augmented on the CPU.
            seed: of the run.
            epoch: of the training, in which an image comes once: each has its own draws.
            ids: int64 (N), one for each image.
            view: several views of an image are independent.

        Returns:
            uint8 (N,3,H,W), on the same device.

        Raises:
            InputError: images that are not uint8 (N,3,H,W), or not one id for each.
        """
        check_levels(images, ids)
        here = images.cpu()
        name = f"{self._name}/{epoch}/{view}"
        seeds = draws.for_images(seed, name, ids, here.device).bits("seed", 2).to(torch.int64)
        answer = torch.empty_like(here)
        with _own_random_state() as generator:
            for k, (high, low) in enumerate(seeds.tolist()):
                generator.manual_seed((high & 0x7FFFFFFF) << 32 | low & 0xFFFFFFFF)
                answer[k] = self._transform(here[k])
        return answer.to(images.device)


@contextmanager
def _own_random_state() -> Iterator[torch.Generator]:
    # The CPU's generator alone: `torch.manual_seed` would seed every GPU too, for each image.
    generator = torch.default_generator
    state = generator.get_state()
    try:
        yield generator
    finally:
        generator.set_state(state)
