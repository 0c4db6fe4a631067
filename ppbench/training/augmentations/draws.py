"""Random numbers of the distributions that augmentations need, from the counter-based generator.

What an image gets depends on the seed, the step, the view and its id alone: not on its place in the batch, the process
that holds it or torch's own generators. So several processes, each with a slice of the batch, do what one would do.
"""

import math

import torch
from torch import Tensor

from corruptions.random import Random

_CPU = torch.device("cpu")


def for_images(seed: int, name: str, ids: Tensor, device: torch.device) -> Random:
    """Return the numbers of each image: `name` says of what, and at which step."""
    return Random(seed, name, 0, ids, device)


def for_batch(seed: int, name: str) -> Random:
    """Return numbers that all images of a step share, in every process; on the CPU, as they end up in Python."""
    return Random(seed, name, 0, torch.zeros(1, dtype=torch.int64), _CPU)


def uniform(batch: Random, stream: str, low: float, high: float) -> float:
    """Return one number, uniform in [low, high)."""
    return float(batch.uniform(stream, low=low, high=high))


def integer(batch: Random, stream: str, low: int, high: int) -> int:
    """Return one whole number, uniform in low..high, both included."""
    return int(batch.integers(stream, low=low, high=high + 1))


def arcsine(batch: Random, stream: str) -> float:
    """Return one number of Beta(1/2, 1/2): sin²(πU/2) for a uniform U, by the inverse of its distribution."""
    return math.sin(0.5 * math.pi * uniform(batch, stream, 0.0, 1.0)) ** 2


def dirichlet(images: Random, stream: str, width: int) -> Tensor:
    """Return float32 (N, width), Dirichlet(1, …, 1): positive, of sum 1; normalised exponential numbers."""
    # 1 - U is never 0, so the logarithm is finite.
    exponential = -torch.log1p(-images.uniform(stream, width)) + 2.0**-26  # not all of them 0
    return exponential / exponential.sum(1, keepdim=True)
