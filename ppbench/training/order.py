"""Which images a step trains on, as a pure function of seed and step: nothing needs to be kept to go on from there."""

from hashlib import blake2b

import torch
from torch import Tensor


def seed_of(*parts: object) -> int:
    """Return a seed of 63 bits for torch's generators, different for different parts."""
    return int.from_bytes(blake2b(repr(parts).encode(), digest_size=8).digest(), "little") >> 1


def epoch_order(count: int, seed: int, epoch: int) -> Tensor:
    """Return the rows 0..count-1 in the order of an epoch, int64."""
    generator = torch.Generator().manual_seed(seed_of("order", seed, epoch))
    return torch.randperm(count, generator=generator)


def rows_of_step(order: Tensor, batch_size: int, step: int, rank: int = 0, processes: int = 1) -> Tensor:
    """Return the rows of one process in a step of an epoch, (batch_size / processes,).

    Together the processes have the rows that one process would have.

    Args:
        order: of the epoch.
        batch_size: over all processes; a multiple of their number.
        step: within the epoch, from 0.
        rank: which process, from 0.
        processes: how many.
    """
    return order[step * batch_size : (step + 1) * batch_size][rank::processes]
