"""Frost: a photograph of a frosted pane laid over the image."""

from functools import cache, lru_cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from corruptions.definition import Constants, Corruption, Fields
from corruptions.errors import CorruptionError
from corruptions.pixels import truncated
from corruptions.random import Random

# A quirk kept: the reference draws from the first five of its six photographs, frost6 never appears.
_FILES = ("frost1.png", "frost2.png", "frost3.png", "frost4.jpg", "frost5.jpg")


def _draw(images: Tensor, constants: Constants, random: Random) -> Fields:
    texture = random.integers("texture", low=0, high=len(_FILES))
    _, heights, widths = _textures(constants["scale"], images.shape[2], images.shape[3], images.device)
    # The upper end is excluded, as in the reference: the last possible row and column are never drawn.
    corner = random.uniform("corner", 2).to(torch.float64)
    row = corner[:, 0].mul(heights[texture] - images.shape[2]).to(torch.int64)
    column = corner[:, 1].mul(widths[texture] - images.shape[3]).to(torch.int64)
    return {"texture": texture, "row": row, "column": column}


def _apply(images: Tensor, constants: Constants, fields: Fields) -> Tensor:
    height, width = images.shape[2:]
    stack, _, _ = _textures(constants["scale"], height, width, images.device)
    count, channels, rows, columns = stack.shape
    crops = stack.as_strided(
        (count, rows - height + 1, columns - width + 1, channels, height, width),
        (channels * rows * columns, columns, 1, rows * columns, columns, 1),
    )
    frost = crops[fields["texture"], fields["row"], fields["column"]].to(torch.float64)
    # In float64 and in this order the sums that come out whole truncate as in the reference.
    return truncated(frost.mul_(constants["frost"]).add_(images.to(torch.float64).mul_(constants["image"])))


def _textures(scale: float, height: int, width: int, device: torch.device) -> tuple[Tensor, Tensor, Tensor]:
    """Return the textures as uint8 (5, 3, largest height, largest width), and their heights and widths (5,).

    A texture smaller than the image is enlarged to cover it; the reference scripts have no such image.
    """
    sizes = ((round(t.shape[1] * scale), round(t.shape[2] * scale)) for t in _photographs())
    return _stack(tuple(scale * max(1.0, height / h, width / w) for h, w in sizes), device)


@lru_cache(maxsize=8)
def _stack(factors: tuple[float, ...], device: torch.device) -> tuple[Tensor, Tensor, Tensor]:
    scaled = [t if f == 1.0 else resized(t, f) for t, f in zip(_photographs(), factors, strict=True)]
    heights, widths = ([t.shape[i] for t in scaled] for i in (1, 2))
    stack = torch.zeros(len(scaled), 3, max(heights), max(widths), dtype=torch.uint8)
    for i, texture in enumerate(scaled):
        stack[i, :, : heights[i], : widths[i]] = texture
    return stack.to(device), torch.tensor(heights, device=device), torch.tensor(widths, device=device)


@cache
def _photographs() -> list[Tensor]:
    """Return the photographs, uint8 (3,H,W) RGB, from the files of the package imagecorruptions."""
    # Finding a top-level package's place does not import it, and this one can no longer be imported.
    spec = find_spec("imagecorruptions")
    folders = [Path(place) / "frost" for place in (spec and spec.submodule_search_locations) or []]
    for folder in folders:
        if all((folder / name).is_file() for name in _FILES):
            pixels = [np.array(Image.open(folder / name).convert("RGB")) for name in _FILES]
            return [torch.from_numpy(p).permute(2, 0, 1).contiguous() for p in pixels]
    found = f"no {_FILES[0]} .. {_FILES[-1]} in {folders[0]}" if folders else "no such package"
    raise CorruptionError(
        f"expected frost textures in the package imagecorruptions, got {found}: pip install imagecorruptions"
    )


def resized(texture: Tensor, factor: float) -> Tensor:
    """Return a texture, uint8 (3,H,W), scaled by a factor: bilinear, no smoothing, as OpenCV does it.

    OpenCV's weights have 11 bits; it drops 4 bits after the first pass, and 16 of each product of the second.
    """
    rows, columns = _taps(texture.shape[1], factor), _taps(texture.shape[2], factor)
    wide = texture.to(torch.int64)
    across = (wide[:, :, columns[0]] * columns[2] + wide[:, :, columns[1]] * columns[3]) >> 4
    upper, lower = across[:, rows[0]] * rows[2][:, None], across[:, rows[1]] * rows[3][:, None]
    return (((upper >> 16) + (lower >> 16) + 2) >> 2).to(torch.uint8)


def _taps(size: int, factor: float) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return for every output position its two neighbours and their weights, in units of 1 / 2048."""
    place = (torch.arange(round(size * factor), dtype=torch.float64) + 0.5) / factor - 0.5
    first = place.floor()
    weight = ((place - first).to(torch.float32) * 2048).round().to(torch.int64)
    low = first.to(torch.int64)
    return low.clamp(0, size - 1), (low + 1).clamp(0, size - 1), 2048 - weight, weight


FROST = Corruption("frost", "weather", version=1, apply=_apply, draw=_draw)
