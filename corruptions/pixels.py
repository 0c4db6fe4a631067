"""From real values back to 8-bit pixels."""

import torch
from torch import Tensor


def truncated(values: Tensor) -> Tensor:
    """Return values (any shape, float, scale 0..255) as uint8, truncated as the reference does, not rounded.

    Values outside 0..255 are clipped, in place.
    """
    # By way of int16, whose conversions torch vectorises on the CPU: four times faster than at once.
    return values.clamp_(0.0, 255.0).to(torch.int16).to(torch.uint8)
