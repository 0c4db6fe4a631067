"""snow: a noise field, zoomed, cut off, smeared into flakes, and laid over a whitened image."""

import torch
from torch import Tensor

from corruptions.convolution import NUDGE
from corruptions.definition import Constants, Corruption, Fields
from corruptions.motion_blur import motion_blur
from corruptions.pixels import truncated
from corruptions.random import Random
from corruptions.zoom_blur import zoom_centre

_GREY = (0.299, 0.587, 0.114)


def _draw(images: Tensor, constants: Constants, random: Random) -> Fields:  # noqa: ARG001 - one signature for all
    """Draw standard normal noise and the direction of the flakes in degrees, in [-135, -45)."""
    return {
        "noise": random.normal("noise", *images.shape[2:]),
        "angle": random.uniform("angle", low=-135.0, high=-45.0),
    }


def _apply(images: Tensor, constants: Constants, fields: Fields) -> Tensor:
    """Apply the fields noise, standard normal (N,H,W), and angle, degrees (N,)."""
    layer = fields["noise"].float()[:, None] * constants["std"] + constants["mean"]
    layer = zoom_centre(layer, constants["zoom"])
    layer = torch.where(layer < constants["threshold"], 0.0, layer)
    # The reference hands the layer to ImageMagick as an 8-bit picture and gets one back.
    layer = layer.clamp_(0.0, 1.0).mul_(255.0).floor_()
    layer = motion_blur(layer, fields["angle"], int(constants["radius"]), constants["sigma"])
    levels = images.float()
    red, green, blue = levels[:, :1], levels[:, 1:2], levels[:, 2:]
    grey = (red * _GREY[0]).add_(green, alpha=_GREY[1]).add_(blue, alpha=_GREY[2])
    whitened = torch.maximum(levels, grey.mul_(1.5).add_(127.5))
    # Flakes fall both ways: the layer, and the layer turned by 180 degrees.
    flakes = layer.flip(2, 3).add_(layer).add_(NUDGE)
    keep = constants["keep"]
    return truncated(whitened.mul_(1.0 - keep).add_(levels, alpha=keep).add_(flakes))


SNOW = Corruption("snow", "weather", 1, _apply, _draw)
