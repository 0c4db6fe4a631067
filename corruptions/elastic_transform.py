"""elastic_transform: a random affine map, then a smooth random displacement of every pixel."""

import torch
import torch.nn.functional as F
from torch import Tensor

from corruptions.convolution import NUDGE, smooth
from corruptions.definition import Constants, Corruption, Fields
from corruptions.pixels import truncated
from corruptions.random import Random


def _draw(images: Tensor, constants: Constants, random: Random) -> Fields:
    """Draw the jitter of three points in pixels, and two fields in [-1, 1)."""
    reach = constants["unit"] * constants["jitter"]
    fields = {"jitter": random.uniform("jitter", 3, 2, low=-reach, high=reach)}
    if constants["alpha"]:
        fields["shift"] = random.uniform("shift", 2, *images.shape[2:], low=-1.0, high=1.0)
    return fields


def _apply(images: Tensor, constants: Constants, fields: Fields) -> Tensor:
    """Apply the fields jitter, pixels (N,3,2), and, unless alpha is 0, shift: dx and dy in [-1, 1], (N,2,H,W)."""
    levels = _affine(images.float(), fields["jitter"])
    if constants["alpha"]:
        reach, sigma = (constants["unit"] * constants[name] for name in ("alpha", "sigma"))
        smooth_shift = smooth(fields["shift"].float(), sigma, truncate=3.0, border="symmetric")
        levels = warped(levels, smooth_shift, reach)
    return truncated(levels.add_(NUDGE))


def affine_sources(jitter: Tensor, height: int, width: int) -> Tensor:
    """Return where pixels come from: float64 (N,3,2), to be multiplied with (x, y, 1) to give x and y in pixels.

    The affine map takes three corners of a centred square of side 2 * (min(H, W) // 3) to themselves plus
    `jitter`. The reference writes the centre as (H // 2, W // 2) but reads it as (x, y): the same for square images
    only, kept for the others.
    """
    centre = torch.tensor([height // 2, width // 2], dtype=torch.float64, device=jitter.device)
    corners = torch.tensor([[1, 1], [1, -1], [-1, -1]], dtype=torch.float64, device=jitter.device)
    before = centre + min(height, width) // 3 * corners
    after = before + jitter
    solution: Tensor = torch.linalg.solve(F.pad(after, (0, 1), value=1.0), before.expand_as(after))
    return solution


def _affine(levels: Tensor, jitter: Tensor) -> Tensor:
    """Return levels (N,C,H,W) moved by the affine map of `affine_sources`, reflected about the outermost pixels."""
    height, width = levels.shape[2:]
    sources = affine_sources(jitter, height, width)
    grid = levels.new_empty(len(levels), height, width, 2)
    for axis, size in enumerate((width, height)):
        # In units in which the outermost pixels are at -1 and 1.
        by_x, by_y, offset = (sources[:, i, axis, None] * (2.0 / (size - 1)) for i in range(3))
        across = by_x * torch.arange(width, device=levels.device)
        down = by_y * torch.arange(height, device=levels.device) + (offset - 1.0)
        torch.add(across.float()[:, None], down.float()[:, :, None], out=grid[..., axis])
    return _sample(levels, grid, about_pixel=True)


def warped(levels: Tensor, shift: Tensor, reach: float) -> Tensor:
    """Return levels (N,C,H,W) moved by reach * shift (N,2,H,W), x before y, reflected about the image's edges."""
    grid = levels.new_empty(len(levels), *levels.shape[2:], 2)
    for axis, size in enumerate((levels.shape[3], levels.shape[2])):
        # In units in which the image's edges are at -1 and 1.
        centres = (2.0 * torch.arange(size, device=levels.device) + 1.0) / size - 1.0
        at = centres if axis == 0 else centres[:, None]
        torch.add(at, shift[:, axis], alpha=2.0 * reach / size, out=grid[..., axis])
    return _sample(levels, grid, about_pixel=False)


def _sample(levels: Tensor, grid: Tensor, *, about_pixel: bool) -> Tensor:
    return F.grid_sample(levels, grid, mode="bilinear", padding_mode="reflection", align_corners=about_pixel)


ELASTIC_TRANSFORM = Corruption("elastic_transform", "digital", 3, _apply, _draw)
