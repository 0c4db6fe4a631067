"""snow: a noise field, zoomed, cut off, smeared into flakes, and laid over a whitened image."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from corruptions.definition import Constants, Corruption, Fields
from corruptions.motion_blur import motion_blur
from corruptions.pixels import shares_of, truncated, truncated_exactly
from corruptions.random import Random
from corruptions.zoom_blur import zoom_centre

_GREY = (0.299, 0.587, 0.114)


def _draw(images: Tensor, constants: Constants, random: Random) -> Fields:  # noqa: ARG001 - one signature for all
    """Draw standard normal noise and the direction of the flakes in degrees, in [-135, -45)."""
    return {
        "noise": random.normal("noise", *images.shape[2:]),
        "angle": random.uniform("angle", low=-135.0, high=-45.0),
    }


_DOUBT = 2.0**-11
"""Levels: below 256 each of the dozen roundings to single precision moves a value by 2**-16 at most."""


def _apply(images: Tensor, constants: Constants, fields: Fields) -> Tensor:
    """Apply the fields noise, standard normal (N,H,W), and angle, degrees (N,)."""
    layer = fields["noise"].to(torch.float64)[:, None].mul(constants["std"]).add_(constants["mean"])
    layer = zoom_centre(layer, constants["zoom"]).contiguous()
    layer = F.threshold(layer, math.nextafter(constants["threshold"], 0.0), 0.0, inplace=True)
    # The reference hands the layer to ImageMagick as an 8-bit picture and gets one back.
    flakes = truncated(layer.mul_(255.0))
    flakes = motion_blur(flakes, fields["angle"], int(constants["radius"]), constants["sigma"])
    # Flakes fall both ways: the layer, and the layer turned by 180 degrees.
    turned = flakes.flip(2, 3)
    keep = constants["keep"]
    levels = images.float()
    red, green, blue = levels[:, :1], levels[:, 1:2], levels[:, 2:]
    grey = (red * _GREY[0]).add_(green, alpha=_GREY[1]).add_(blue, alpha=_GREY[2])
    whitened = torch.maximum(levels, grey.mul_(1.5).add_(127.5))
    snowy = whitened.mul_(1.0 - keep).add_(levels, alpha=keep).add_(flakes.float().add_(turned))
    pixels = images.shape[2] * images.shape[3]

    def exactly(where: Tensor) -> Tensor:
        image, place = where // (3 * pixels), where % pixels
        channels = images.flatten(2).transpose(1, 2)[image, place]
        here = shares_of(images.flatten()[where], torch.float32)
        white = torch.maximum(here, _grey(shares_of(channels, torch.float32)).mul_(1.5).add_(0.5))
        ground = (here * keep).add_(white.mul_(1.0 - keep)).to(torch.float64)
        fallen, risen = (shares_of(layer.flatten(1)[image, place]) for layer in (flakes, turned))
        return ground.add_(fallen).add_(risen).clamp_(0.0, 1.0).mul_(255.0)

    return truncated_exactly(snowy, _DOUBT, exactly)


def _grey(pixels: Tensor) -> Tensor:
    """Return the grey of RGB pixels, float32 (k,3) of 0..1, as OpenCV 5 has it where it fuses products and sums.

    A product of two float32 and a sum with a third are exact in float64, but for a last bit in 2**29 cases.
    """
    red, green, blue = pixels.unbind(1)
    weights = torch.tensor(_GREY, dtype=torch.float32, device=pixels.device)
    total = green * weights[1]
    for channel, weight in ((red, weights[0]), (blue, weights[2])):
        total = (channel.to(torch.float64) * weight.to(torch.float64) + total).to(torch.float32)
    return total


SNOW = Corruption("snow", "weather", 2, _apply, _draw)
