"""Between real values and 8-bit pixels."""

from collections.abc import Callable
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor


def truncated(values: Tensor) -> Tensor:
    """Return values (any shape, float, scale 0..255) as uint8, truncated as the reference does, not rounded.

    Values outside 0..255 are clipped, in place.
    """
    # By way of int16, whose conversions torch vectorises on the CPU: four times faster than at once.
    return values.clamp_(0.0, 255.0).to(torch.int16).to(torch.uint8)


def between(low: Tensor, high: Tensor) -> tuple[Tensor, Tensor]:
    """Return the level of every value that lies between two bounds, and where the bounds leave it open.

    Cutting off never swaps two values: where both bounds come to the same level, so does what lies between them.

    Args:
        low: floating point, on the CPU, above -1 and below 256.
        high: the same shape, type and range.

    Returns:
        The levels of `high`, uint8, and int64 (k,), the flat places of those that `low` does not share.
    """
    # By way of 16 bits, as torch has vectors for each of these steps, but not for the two at once.
    levels, least = (bound.to(torch.int16).to(torch.uint8) for bound in (high, low))
    # NumPy finds a few among many several times as fast.
    return levels, torch.from_numpy(np.flatnonzero(least.ne(levels).numpy()))


def truncated_exactly(values: Tensor, doubt: float, exactly: Callable[[Tensor], Tensor]) -> Tensor:
    """Return values as `truncated` does, but those next to a whole level, few as a rule, from a slower arithmetic.

    Args:
        values: any shape, float32, scale 0..255; overwritten.
        doubt: levels, below 0.5; how far the values may be off.
        exactly: given flat indices, int64 (k,), returns the values there, float64 (k,), off by no more than the
            reference's; called unless there are none.
    """
    # Above 255 all is white, and no doubt that it is: 255.5 +- doubt are both cut off to 255.
    levels = values.clamp_(0.0, 255.5).add_(doubt).to(torch.int16)
    unlike = values.sub_(2.0 * doubt).to(torch.int16).bitwise_xor_(levels)
    out = levels.to(torch.uint8, memory_format=torch.contiguous_format)
    again = _set(unlike.clamp_(max=1).to(torch.uint8).flatten())
    if len(again):
        out.view(-1)[again] = truncated(exactly(again))
    return out


def _set(flags: Tensor) -> Tensor:
    """Return where flags, uint8 (n,) of 0 and 1, are set, int64 (k,); few as a rule, which NumPy finds fastest."""
    if flags.device.type != "cpu":
        return flags.nonzero()[:, 0]
    return torch.from_numpy(np.flatnonzero(flags.view(torch.bool).numpy()))


def shares_of(levels: Tensor, dtype: torch.dtype = torch.float64) -> Tensor:
    """Return levels, whole numbers of any shape, over 255, as a true division rounds on every device."""
    return divided(levels.to(dtype), 255.0)


def divided(values: Tensor, by: float) -> Tensor:
    """Divide floating-point values by a number, in place, as a true division rounds on every device."""
    return values.div_(_number(by, values.dtype, values.device))


@lru_cache(maxsize=64)
def _number(value: float, dtype: torch.dtype, device: torch.device) -> Tensor:
    # By a plain number a GPU would not divide, but multiply by its reciprocal, which is off in the last place.
    return torch.tensor(value, dtype=dtype, device=device)
