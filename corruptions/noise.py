"""Noise on every channel value: gaussian, shot, impulse and speckle."""

from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from corruptions.definition import Constants, Corruption, Fields
from corruptions.pixels import shares_of, truncated_exactly
from corruptions.random import Random


def _draw_normal(images: Tensor, constants: Constants, random: Random) -> Fields:  # noqa: ARG001 - one signature
    return {"noise": random.normal("noise", *images.shape[1:])}


_DOUBT = 2.0**-11
"""Levels: below 256 each of the four roundings to single precision moves a value by 2**-16 at most."""


def _gaussian(images: Tensor, constants: Constants, fields: Fields) -> Tensor:
    std, noise = constants["std"], fields["noise"]

    def exactly(where: Tensor) -> Tensor:
        added = noise.flatten()[where].to(torch.float64).mul_(std)
        return shares_of(images.flatten()[where]).add_(added).clamp_(0.0, 1.0).mul_(255.0)

    return truncated_exactly((noise.to(torch.float32) * (255.0 * std)).add_(images), _DOUBT, exactly)


def _speckle(images: Tensor, constants: Constants, fields: Fields) -> Tensor:
    std, noise = constants["std"], fields["noise"]

    def exactly(where: Tensor) -> Tensor:
        shares = shares_of(images.flatten()[where])
        scaled = noise.flatten()[where].to(torch.float64).mul_(std).mul_(shares)
        return shares.add_(scaled).clamp_(0.0, 1.0).mul_(255.0)

    return truncated_exactly((noise.to(torch.float32) * std).add_(1.0).mul_(images), _DOUBT, exactly)


def _draw_counts(images: Tensor, constants: Constants, random: Random) -> Fields:
    """Draw Poisson counts of mean pixel / 255 * rate; a count above rate, which is white as well, as rate."""
    rate = int(constants["rate"])
    table, slot_bits = _poisson_alias(rate, images.device)
    bits = random.bits("photons", *images.shape[1:])
    # The upper bits choose a slot of the pixel's row, the lower ones between the slot's count and its alias.
    slot = bits.bitwise_right_shift(32 - slot_bits).bitwise_and_((1 << slot_bits) - 1)
    entry = images.to(torch.int32).bitwise_left_shift_(slot_bits).add_(slot)
    entry = table.index_select(0, entry.flatten()).view_as(entry)
    alias = entry.bitwise_and((1 << slot_bits) - 1)
    keep = entry.bitwise_right_shift_(slot_bits).sub_(bits.bitwise_and_((1 << (31 - slot_bits)) - 1)).sub_(1)
    keep.bitwise_right_shift_(31)  # 0: the slot's own count, -1: its alias
    return {"counts": slot.add_(alias.sub_(slot).bitwise_and_(keep))}


def _shot(images: Tensor, constants: Constants, fields: Fields) -> Tensor:
    rate = int(constants["rate"])
    counts = fields["counts"].to(torch.int32).clamp(max=rate)
    return _levels(rate, images.device).index_select(0, counts.flatten()).view_as(images)


@lru_cache(maxsize=16)
def _levels(rate: int, device: torch.device) -> Tensor:
    """Return the level of each count: in float64 and in this order, which decides how ties truncate."""
    return torch.from_numpy((np.arange(rate + 1) / float(rate) * 255).astype(np.uint8)).to(device)


@lru_cache(maxsize=16)
def _poisson_alias(rate: int, device: torch.device) -> tuple[Tensor, int]:
    """Return alias tables (Walker 1977, Vose 1991) of Poisson(v / 255 * rate), v = 0..255, and slot_bits.

    One int32 per slot: the upper 31 - slot_bits bits are the probability of the slot's own count, the rest
    is the alias. A row has 2 ** slot_bits slots.
    """
    slot_bits = max(1, rate.bit_length())
    slots = 1 << slot_bits
    share = np.zeros((256, slots))
    counts = np.arange(rate)
    log_factorial = np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, rate)))])[:rate]
    mean = np.arange(1, 256)[:, None] / 255.0 * rate
    share[1:, :rate] = np.exp(counts * np.log(mean) - mean - log_factorial)
    share[0, 0] = 1.0
    share[:, rate] = np.maximum(0.0, 1.0 - share.sum(axis=1))
    unit = 1 << (31 - slot_bits)
    table = np.empty((256, slots), np.int64)
    for row, weights in zip(table, share * (slots / share.sum(axis=1, keepdims=True)), strict=True):
        poor = [i for i in range(slots) if weights[i] < 1.0]
        rich = [i for i in range(slots) if weights[i] >= 1.0]
        alias = np.arange(slots)
        while poor and rich:
            low, high = poor.pop(), rich[-1]
            alias[low] = high
            weights[high] -= 1.0 - weights[low]
            if weights[high] < 1.0:
                poor.append(rich.pop())
        row[:] = (np.minimum(np.rint(weights * unit), unit - 1).astype(np.int64) << slot_bits) | alias
    return torch.from_numpy(table.astype(np.int32).ravel()).to(device), slot_bits


def _draw_bits(images: Tensor, constants: Constants, random: Random) -> Fields:  # noqa: ARG001 - one signature
    return {"bits": random.bits("salt", *images.shape[1:])}


def _impulse(images: Tensor, constants: Constants, fields: Fields) -> Tensor:
    # Of the 2**32 values of the bits, the lowest share / 2 are salt and the highest share / 2 are pepper. The
    # mask is per channel value, not per pixel: the noise is coloured.
    reach = round(constants["share"] / 2 * 2**32)
    salt = fields["bits"] < -(2**31) + reach
    pepper = fields["bits"] >= 2**31 - reach
    # True is 1, and 0 - 1 wraps to 255.
    white = torch.zeros_like(images).sub_(salt.view(torch.uint8))
    return white.bitwise_or_(images).mul_(pepper.view(torch.uint8).bitwise_xor_(1))


GAUSSIAN_NOISE = Corruption("gaussian_noise", "noise", version=2, apply=_gaussian, draw=_draw_normal)
SHOT_NOISE = Corruption("shot_noise", "noise", version=1, apply=_shot, draw=_draw_counts)
IMPULSE_NOISE = Corruption("impulse_noise", "noise", version=1, apply=_impulse, draw=_draw_bits)
SPECKLE_NOISE = Corruption("speckle_noise", "extra", version=2, apply=_speckle, draw=_draw_normal)
