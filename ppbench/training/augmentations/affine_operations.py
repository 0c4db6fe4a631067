"""AugMix's operations on places, for batches: Pillow's affine transform with linear interpolation."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

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
