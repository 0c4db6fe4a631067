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
        fields["dx"] = random.uniform("dx", *images.shape[2:], low=-1.0, high=1.0)
        fields["dy"] = random.uniform("dy", *images.shape[2:], low=-1.0, high=1.0)
    return fields


def _apply(images: Tensor, constants: Constants, fields: Fields) -> Tensor:
    """Apply the fields jitter, pixels (N,3,2), and, unless alpha is 0, dx and dy, (N,H,W) in [-1, 1]."""
    height, width = images.shape[2:]
    x, y = affine_sources(fields["jitter"], height, width)
    # The two borders differ: the affine map reflects about the outermost pixel, the displacement about its edge.
    levels = _sample(images.float(), x, y, about_pixel=True)
    if constants["alpha"]:
        reach, sigma = (constants["unit"] * constants[name] for name in ("alpha", "sigma"))
        shift = torch.stack((fields["dx"], fields["dy"]), dim=1).float()
        shift = smooth(shift, sigma, truncate=3.0, border="symmetric") * reach
        columns = torch.arange(width, device=images.device, dtype=torch.float32)
        rows = torch.arange(height, device=images.device, dtype=torch.float32)[:, None]
        levels = _sample(levels, shift[:, 0] + columns, shift[:, 1] + rows, about_pixel=False)
    return to_uint8(levels.add_(NUDGE))


def affine_sources(jitter: Tensor, height: int, width: int) -> tuple[Tensor, Tensor]:
    """Return where each pixel comes from, x and y in pixels, float32 (N,H,W).

    The affine map takes three corners of a centred square of side 2 * (min(H, W) // 3) to themselves plus `jitter`.
    The reference writes the centre as (H // 2, W // 2) but reads it as (x, y): the same for square images only,
    kept for the others.
    """
    centre = torch.tensor([height // 2, width // 2], dtype=torch.float64, device=jitter.device)
    side = min(height, width) // 3
    corners = torch.tensor([[1, 1], [1, -1], [-1, -1]], dtype=torch.float64, device=jitter.device)
    before = centre + side * corners
    after = before + jitter
    ones = torch.ones_like(after[..., :1])
    back = torch.linalg.solve(torch.cat((after, ones), dim=-1), before.expand_as(after))  # (N,3,2)
    x = torch.arange(width, dtype=torch.float64, device=jitter.device)
    y = torch.arange(height, dtype=torch.float64, device=jitter.device)[:, None]
    weights = back[:, :, :, None, None]
    sources = weights[:, 0] * x + weights[:, 1] * y + weights[:, 2]
    return sources[:, 0].float(), sources[:, 1].float()


def _sample(levels: Tensor, x: Tensor, y: Tensor, *, about_pixel: bool) -> Tensor:
    """Return levels (N,C,H,W) at the points x, y (N,H,W), bilinear, reflected at the borders."""
    height, width = levels.shape[2:]
    if about_pixel:
        grid = torch.stack((x * (2.0 / (width - 1)) - 1.0, y * (2.0 / (height - 1)) - 1.0), dim=-1)
    else:
        grid = torch.stack(((2.0 * x + 1.0) / width - 1.0, (2.0 * y + 1.0) / height - 1.0), dim=-1)
    return F.grid_sample(levels, grid, mode="bilinear", padding_mode="reflection", align_corners=about_pixel)


ELASTIC_TRANSFORM = Corruption("elastic_transform", "digital", 1, _apply, _draw)
