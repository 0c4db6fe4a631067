"""The frame of AugMix and PRIME: chains of random depth, each image's own, and the weighted mean of them."""

from dataclasses import dataclass

import torch
from torch import Tensor

from corruptions.random import Random
from ppbench.training.augmentations import draws

_CPU = torch.device("cpu")
_DEEPEST = 3


@dataclass(frozen=True)
class Chains:
    """The chains of a batch: which there are, and how deep.

    Attributes:
        ids: int64 (N · width), on the CPU: a chain's own, from its image's and its number; image by image.
        depth: int64 (N · width), on the CPU: operations of each.
        random: the numbers of each chain, on the CPU: what decides who goes where is needed there.
    """

    ids: Tensor
    depth: Tensor
    random: Random

    @property
    def deepest(self) -> int:
        """The greatest depth; 0 without images."""
        return int(self.depth.max()) if len(self.depth) else 0


def draw_chains(seed: int, name: str, ids: Tensor, *, width: int, depth: int) -> Chains:
    """Draw the chains of a batch.

    Args:
        seed: of the run.
        name: says of what, and at which step.
        ids: int64 (N), of the images.
        width: chains an image.
        depth: of each; -1 draws 1, 2 or 3 for each by itself.
    """
    chain_ids = (ids.cpu()[:, None] * width + torch.arange(width)).flatten()
    random = draws.for_images(seed, f"{name}/chains", chain_ids, _CPU)
    least, most = (1, _DEEPEST) if depth == -1 else (depth, depth)
    return Chains(chain_ids, random.integers("depth", low=least, high=most + 1), random)


def draw_weights(
    seed: int, name: str, ids: Tensor, *, width: int, device: torch.device
) -> tuple[Tensor, Tensor]:
    """Draw float32 weights (N,width) of the chains, Dirichlet(1, …, 1), and the share (N) of them all, Beta(1, 1)."""
    random = draws.for_images(seed, f"{name}/weights", ids, device)
    return draws.dirichlet(random, "weights", width), random.uniform("share")


def mixed(images: Tensor, chains: Tensor, weights: Tensor, share: Tensor) -> Tensor:
    """Return (1 - share) · image + share · Σ weight · chain, float32 (N,C,H,W).

    Normalising for the network is affine and the weights sum to 1: mixing before it or, as the originals do, after it
    is the same.

    Args:
        images: (N,C,H,W), any dtype.
        chains: (N · width,C,H,W) of the same dtype, the augmented copies, image by image.
        weights: float32 (N,width), of sum 1.
        share: float32 (N), of the augmented copies, in [0, 1].
    """
    n, width = weights.shape
    copies = chains.view(n, width, *images.shape[1:]).float()
    by_copy = (weights * share[:, None]).view(n, width, 1, 1, 1)
    mean = images.float() * (1.0 - share).view(n, 1, 1, 1)
    # One after the other, not as a matrix product, whose order of summation may depend on the size of the batch.
    for k in range(width):
        mean.addcmul_(copies[:, k], by_copy[:, k])
    return mean
