"""elastic_transform: a random affine map, then a smooth random displacement of every pixel."""

import torch
import torch.nn.functional as F
from torch import Tensor

from corruptions.convolution import NUDGE, smooth, to_uint8
from corruptions.random import Random
from corruptions.registry import Constants, Corruption, Fields


def _draw(images: Tensor, constants: Constants, random: Random) -> Fields:
    """Draw the jitter of three points in pixels, and two fields in [-1, 1)."""
    reach = constants["unit"] * constants["jitter"]
    fields = {"jitter": random.uniform("jitter", 3, 2, low=-reach, high=reach)}
    if constants["alpha"]:
        fields["shift"] = random.uniform("shift", 2, *images.shape[2:], low=-1.0, high=1.0)
    return fields


def _apply(images: Tensor, constants: Constants, fields: Fields) -> Tensor:
    """Apply the fields jitter, pixels (N,3,2), and, unless alpha is 0, shift: dx and dy in [-1, 1], (N,2,H,W)."""
    # The two borders differ: the affine map reflects about the outermost pixels, the displacement about their edge.
    levels = _sample(images.float(), _affine_grid(fields["jitter"], *images.shape[2:]), about_pixel=True)
    if constants["alpha"]:
        reach, sigma = (constants["unit"] * constants[name] for name in ("alpha", "sigma"))
        smooth_shift = smooth(fields["shift"].float(), sigma, truncate=3.0, border="symmetric")
        levels = warped(levels, smooth_shift, reach)
    return to_uint8(levels.add_(NUDGE))


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


def _affine_grid(jitter: Tensor, height: int, width: int) -> Tensor:
    """Return `affine_sources` at every pixel, in units in which the outermost pixels are at -1 and 1."""
    back = affine_sources(jitter, height, width) * torch.tensor([2.0 / (width - 1), 2.0 / (height - 1)]).to(
        jitter.device, torch.float64
    )
    x = torch.arange(width, dtype=torch.float64, device=jitter.device)
    y = torch.arange(height, dtype=torch.float64, device=jitter.device)
    along = (back[:, :1] * x[:, None]).float()  # (N,W,2)
    down = (back[:, 1:2] * y[:, None] + back[:, 2:] - 1.0).float()  # (N,H,2)
    return down[:, :, None] + along[:, None]


def warped(levels: Tensor, shift: Tensor, reach: float) -> Tensor:
    """Return levels (N,C,H,W) taken at every pixel's position plus reach * shift (N,2,H,W), x before y."""
    height, width = shift.shape[2:]
    grid = shift.new_empty(
        len(shift), height, width, 2
    )  # in units in which the image's edges are at -1 and 1
    for axis, size in enumerate((width, height)):
        centres = (2.0 * torch.arange(size, device=shift.device) + 1.0) / size - 1.0
        at = centres if axis == 0 else centres[:, None]
        torch.add(at, shift[:, axis], alpha=2.0 * reach / size, out=grid[..., axis])
    return _sample(levels, grid, about_pixel=False)


def _sample(levels: Tensor, grid: Tensor, *, about_pixel: bool) -> Tensor:
    """Return levels (N,C,H,W) at the points of the grid (N,H,W,2), bilinear, reflected at the borders."""
    return F.grid_sample(levels, grid, mode="bilinear", padding_mode="reflection", align_corners=about_pixel)


ELASTIC_TRANSFORM = Corruption("elastic_transform", "digital", 1, _apply, _draw)
