"""The mixing of AugMix and PRIME: a weighted mean of augmented copies, and of that with the image itself."""

from torch import Tensor


def mixed(images: Tensor, chains: Tensor, weights: Tensor, share: Tensor) -> Tensor:
    """Return (1 - share) · image + share · Σ weight · chain.

    Normalising for the network is affine and the weights sum to 1: mixing before it or, as the originals do, after it is
    the same.

    Args:
        images: float32 (N,C,H,W).
        chains: float32 (N,width,C,H,W), the augmented copies.
        weights: float32 (N,width), of sum 1.
        share: float32 (N), of the augmented copies, in [0, 1].
    """
    n = len(images)
    by_chain = (weights * share[:, None])[:, None]
    mean = by_chain.bmm(chains.reshape(n, chains.shape[1], -1))
    return mean.view_as(images).addcmul_(images, (1.0 - share).view(n, 1, 1, 1)).clamp_(0.0, 1.0)
