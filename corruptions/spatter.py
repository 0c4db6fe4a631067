"""spatter: drops of water, or splashes of mud, on the lens."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from corruptions.convolution import smooth, smooth_in_turn
from corruptions.definition import Constants, Corruption, Fields
from corruptions.edges import UNIT, canny, chamfer_distance
from corruptions.pixels import divided, shares_of, truncated
from corruptions.random import Random

_WATER = (175, 238, 238)  # pale turquoise, RGB
_MUD = (63, 42, 20)
# Row, column and weight of a 3 x 3 filter that lights the drops from one corner.
_RELIEF = ((0, 0, -2), (0, 1, -1), (1, 0, -1), (1, 1, 1), (1, 2, 1), (2, 1, 1), (2, 2, 2))
_FARTHEST = 20  # pixels from an edge at which a drop stops changing


def _draw(images: Tensor, constants: Constants, random: Random) -> Fields:  # noqa: ARG001 - one signature for all
    """Draw standard normal noise."""
    return {"noise": random.normal("noise", *images.shape[2:])}


def _apply(images: Tensor, constants: Constants, fields: Fields) -> Tensor:
    """Apply the field noise, standard normal (N,H,W)."""
    if not len(images):
        return images.clone()
    noise = fields["noise"].to(torch.float64).mul(constants["std"]).add_(constants["mean"])
    liquid = smooth(noise[:, None], constants["sigma"])[:, 0]
    return (_mud if constants["mud"] else _water)(images, liquid, constants)


def _water(images: Tensor, liquid: Tensor, constants: Constants) -> Tensor:
    # Levels above 255 wrap around: a cast of the reference, kept.
    dry = F.threshold(liquid, math.nextafter(constants["threshold"], 0.0), 0.0, inplace=True)
    levels = dry.mul_(255.0).to(torch.int16).bitwise_and_(255).to(torch.float32)
    mask = levels * _relief(chamfer_distance(canny(levels, 50, 150), _FARTHEST))
    peak = mask.amax(dim=(1, 2), keepdim=True)
    # Without a drop the reference divides 0 by 0 and returns a black picture; here the image stays as it is.
    mask = mask.div_(peak.clamp_(min=1.0)).mul_(constants["amount"])[:, None]
    return _covered(shares_of(images, torch.float32), mask, _WATER)


def _covered(shares: Tensor, cover: Tensor, colour: tuple[int, ...]) -> Tensor:
    """Return shares, float32 (N,3,H,W) of 0..1, with so much of a colour on top, (N,1,H,W), as levels.

    In single precision and in this order, as in the reference; shares are overwritten.
    """
    levels = torch.tensor(colour, dtype=torch.uint8, device=shares.device).view(1, 3, 1, 1)
    return truncated(shares.add_(cover * shares_of(levels, torch.float32)).mul_(255.0))


def _relief(distance: Tensor) -> Tensor:
    """Return the drops' relief from the distance to their edges in 1 / `UNIT` pixel: whole levels, float32 (N,H,W)."""
    levels = equalised(divided(box_mean(distance), UNIT).floor_())
    padded = F.pad(levels[:, None], (1, 1, 1, 1), mode="reflect")[:, 0]
    height, width = levels.shape[1:]
    lit = torch.zeros_like(levels)
    for row, column, weight in _RELIEF:
        lit.add_(padded[:, row : row + height, column : column + width], alpha=weight)
    return box_mean(lit.clamp_(0.0, 255.0)).round_()


def box_mean(pictures: Tensor) -> Tensor:
    """Return the mean of 3 x 3 pixels, borders reflected about the outermost pixel, float32 (N,H,W)."""
    padded = F.pad(pictures[:, None], (1, 1, 1, 1), mode="reflect")[:, 0]
    rows = padded[:, :-2] + padded[:, 1:-1] + padded[:, 2:]
    return divided((rows[:, :, :-2] + rows[:, :, 1:-1]).add_(rows[:, :, 2:]), 9.0)


def equalised(levels: Tensor) -> Tensor:
    """Return whole levels 0..20 spread over 0..255 by their histogram, each picture on its own.

    The lowest level present becomes 0, the highest 255; a picture of one level stays as it is.
    """
    flat = levels.long().view(len(levels), -1)
    pixels = flat.shape[1]
    counts = torch.zeros(len(flat), _FARTHEST + 1, device=flat.device)
    counts.scatter_add_(1, flat, torch.ones_like(flat, dtype=torch.float32))
    lowest = counts.gather(1, (counts > 0).byte().argmax(dim=1, keepdim=True))
    # Not 255.0 / rest, which torch works out as a product with the reciprocal, rounded twice.
    rest = (pixels - lowest).clamp_(min=1.0)
    scale = torch.full_like(rest, 255.0).div_(rest)
    table = ((counts.cumsum(dim=1) - lowest) * scale).round_().clamp_(0.0, 255.0)
    constant = (lowest == pixels).view(-1, 1, 1)
    return torch.where(constant, levels, table.gather(1, flat).view_as(levels))


def _mud(images: Tensor, liquid: Tensor, constants: Constants) -> Tensor:
    mask = smooth_in_turn((liquid > constants["threshold"]).to(torch.float32), constants["amount"])
    mask = mask.masked_fill_(mask < 0.8, 0.0)[:, None]
    return _covered(shares_of(images, torch.float32).mul_(1.0 - mask), mask, _MUD)


SPATTER = Corruption("spatter", "extra", 4, _apply, _draw)
