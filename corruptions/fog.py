"""Fog: a fractal height map, by the diamond-square method, added to the image."""

from collections.abc import Iterator

from torch import Tensor

from corruptions.definition import Constants, Corruption, Fields
from corruptions.pixels import shares_of, truncated
from corruptions.random import Random


def _map_size(images: Tensor) -> int:
    """Return the smallest power of two that covers the image: 256, 64 and 32 for the published sizes."""
    return 1 << (max(images.shape[2:]) - 1).bit_length()


def _draw(images: Tensor, constants: Constants, random: Random) -> Fields:  # noqa: ARG001 - one signature
    return {"roughness": random.uniform("roughness", _map_size(images) ** 2 - 1)}


def _apply(images: Tensor, constants: Constants, fields: Fields) -> Tensor:
    strength = constants["strength"]
    height, width = images.shape[2:]
    fog = plasma(fields["roughness"], _map_size(images), constants["decay"])[:, None, :height, :width]
    # Arithmetic is in the precision of the field: the reference's float64 draws give the reference's levels.
    brightest = shares_of(images.flatten(1).amax(1), fog.dtype)[:, None, None, None]
    out = (fog * strength).add(shares_of(images, fog.dtype))
    return truncated(out.mul_(brightest).div_(brightest + strength).clamp_(max=1.0).mul_(255.0))


def plasma(roughness: Tensor, size: int, decay: float) -> Tensor:
    """Return height maps (N, size, size), scaled to 0..1, of periodic diamond-square (Fournier et al. 1982).

    Args:
        roughness: uniform in [0, 1), (N, size * size - 1), in the order of use: at every step first the
            centres of the squares, then those of the diamonds on their rows, then on their columns.
        size: a power of two.
        decay: each step's displacements are smaller than those of the one before by this factor.
    """
    grid = roughness.new_zeros(len(roughness), 1, 1)
    displacements = _displacements(roughness, size, decay)
    for square, on_rows, on_columns in displacements:
        down = grid + grid.roll(-1, 1)
        centre = (down + down.roll(-1, 2)).div_(4).add_(square)
        side = centre.shape[1]
        finer = roughness.new_empty(len(roughness), side, 2, side, 2)
        finer[:, :, 0, :, 0] = grid
        finer[:, :, 1, :, 1] = centre
        finer[:, :, 0, :, 1] = (centre + centre.roll(1, 1) + (grid + grid.roll(-1, 2))).div_(4).add_(on_rows)
        finer[:, :, 1, :, 0] = (
            (centre + centre.roll(1, 2) + (grid + grid.roll(-1, 1))).div_(4).add_(on_columns)
        )
        grid = finer.view(len(roughness), 2 * side, 2 * side)
    grid = grid - grid.amin((1, 2), keepdim=True)
    return grid.div_(grid.amax((1, 2), keepdim=True))


def _displacements(roughness: Tensor, size: int, decay: float) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    reach, start, side = 100.0, 0, 1
    while side < size:
        part = roughness[:, start : start + 3 * side * side].view(-1, 3, side, side)
        # A quirk kept: the range of the displacement, +-reach, is multiplied by reach once more.
        square, on_rows, on_columns = (part * (2 * reach) - reach).mul_(reach).unbind(1)
        yield square, on_rows, on_columns
        start, side, reach = start + 3 * side * side, 2 * side, reach / decay


FOG = Corruption("fog", "weather", version=1, apply=_apply, draw=_draw)
