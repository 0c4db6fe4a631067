"""PRIME's spatial primitive: a random smooth deformation (Modas et al., ECCV 2022, after Petrini et al., 2021)."""

import math
from functools import lru_cache

import torch
import torch.nn.functional as F
from torch import Tensor

from corruptions.random import Random
from ppbench.training.augmentations import draws


def draw_shift(shared: Random, side: int, lowest_cut: int, highest_cut: int, alpha: float) -> Tensor:
    """Return a displacement of every pixel, float32 (2, side, side), x before y, in pixels, on the CPU.

    Args:
        shared: the numbers of the step.
        side: of the images, pixels.
        lowest_cut: fewest modes a direction.
        highest_cut: most modes; the most at a step is uniform in lowest_cut + 1 to so many, and the number itself is
            between, by Beta(1/2, 1/2).
        alpha: the temperature is between the least and alpha times the greatest, by Beta(1/2, 1/2).
    """
    most = draws.integer(shared, "most", lowest_cut + 1, highest_cut)
    cut = min(lowest_cut + int(draws.arcsine(shared, "cut") * (most + 1 - lowest_cut)), most)
    least, greatest = temperature_range(side, cut)
    greatest = max(least, alpha * greatest)
    temperature = least + draws.arcsine(shared, "temperature") * (greatest - least)
    return displacement(shared.normal("field", 2, cut, cut)[0], temperature, side)


def temperature_range(side: int, cut: int) -> tuple[float, float]:
    """Return the least and the greatest temperature for an image of `side` pixels and `cut` modes a direction.

    At the least the typical displacement in the middle is half a pixel; above the greatest the image would fold.
    """
    logarithm = math.log(cut + 1e-6)
    return 1.0 / (math.pi * side**2 * logarithm), 4.0 / (math.pi**3 * (cut + 1e-6) ** 2 * logarithm)


def displacement(normal: Tensor, temperature: float, side: int) -> Tensor:
    """Return the displacement of every pixel, float32 (2, side, side), x before y, in pixels.

    Args:
        normal: standard normal numbers (2, cut, cut): the modes i (across) and j (down), from 1.
        temperature: √temperature · side scales the field.
        side: of the image, pixels.
    """
    cut = normal.shape[-1]
    amplitudes, sines = _modes(cut, side, normal.device)
    field = sines.T @ (normal * amplitudes).transpose(1, 2) @ sines  # rows are y, so j comes first
    return field * (math.sqrt(temperature) * side)


def deformed(images: Tensor, shift: Tensor) -> Tensor:
    """Return images whose pixel (x, y) is the one at (x - dx, y - dy), between pixels and up to the outermost ones.

    Args:
        images: float32 (N,C,H,W).
        shift: float32 (2,H,W), dx and dy in pixels, the same for all images.
    """
    n, channels, height, width = images.shape
    grid = torch.stack(
        [
            (torch.arange(size, device=images.device).view(view) - shift[axis]) * (2.0 / (size - 1)) - 1.0
            for axis, (size, view) in enumerate(((width, (1, -1)), (height, (-1, 1))))
        ],
        dim=-1,
    )
    # One field for all: with the images as channels its places and weights are worked out once.
    one = images.reshape(1, n * channels, height, width)
    moved = F.grid_sample(one, grid[None], mode="bilinear", padding_mode="border", align_corners=True)
    return moved.view_as(images)


@lru_cache(maxsize=32)
def _modes(cut: int, side: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Return the amplitudes of the modes, (cut, cut), and their sines at the pixels, (cut, side), float32."""
    k = torch.arange(1, cut + 1, dtype=torch.float64)
    radius = torch.hypot(k[:, None], k)
    amplitudes = (radius < cut + 0.5) / radius
    sines = torch.sin(math.pi * k[:, None] * torch.linspace(0.0, 1.0, side, dtype=torch.float64))
    return amplitudes.float().to(device), sines.float().to(device)
