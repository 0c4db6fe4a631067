"""The frame that AugMix and PRIME share: how deep chains are, and how they are mixed."""

import numpy as np
import torch
from scipy import stats

from ppbench.training.augmentations.augmix import draw_chains, draw_weights, mixed

CPU = torch.device("cpu")
MANY = torch.arange(20_000)


def test_depths_are_one_two_or_three_by_even_chances() -> None:
    """60,000 chains pass a χ² test; neighbouring chains are independent."""
    depth = draw_chains(0, "test", MANY, width=3, depth=-1).depth
    counts = np.bincount(depth.numpy(), minlength=4)
    assert counts[0] == 0
    assert stats.chisquare(counts[1:]).pvalue > 1e-4
    pairs = np.histogram2d(depth[::3].numpy(), depth[1::3].numpy(), bins=3)[0]
    assert stats.chi2_contingency(pairs).pvalue > 1e-4


def test_choices_are_even_and_independent_of_the_depth() -> None:
    """What a chain draws next has nothing to do with how deep it is."""
    chains = draw_chains(0, "test", MANY, width=3, depth=-1)
    first, second = (chains.random.integers(f"primitive {at}", low=0, high=3).numpy() for at in range(2))
    assert stats.chisquare(np.bincount(first)).pvalue > 1e-4
    for a, b in ((first, second), (first, chains.depth.numpy())):
        assert stats.chi2_contingency(np.histogram2d(a, b, bins=3)[0]).pvalue > 1e-4


def test_a_given_depth_is_every_chains() -> None:
    """Depth 2 means 2."""
    assert set(draw_chains(0, "test", MANY[:9], width=2, depth=2).depth.tolist()) == {2}


def test_weights_are_a_dirichlet_law_and_the_share_is_uniform() -> None:
    """Each of three weights is Beta(1, 2), they sum to 1, and their covariance is -1/36; all by 20,000 draws."""
    weights, share = draw_weights(0, "test", MANY, width=3, device=CPU)
    assert (weights > 0.0).all()
    torch.testing.assert_close(weights.sum(1), torch.ones(len(MANY)), atol=2e-7, rtol=0.0)
    for k in range(3):
        assert stats.kstest(weights[:, k].numpy(), stats.beta(1, 2).cdf).pvalue > 1e-4
    covariance = np.cov(weights.numpy().T)
    np.testing.assert_allclose(covariance[~np.eye(3, dtype=bool)], -1 / 36, atol=2e-3)
    assert stats.kstest(share.numpy(), "uniform").pvalue > 1e-4
    assert abs(np.corrcoef(share, weights[:, 0])[0, 1]) < 5 / len(MANY) ** 0.5


def test_the_mix_is_the_weighted_mean_in_float64() -> None:
    """Σ over chains and the image itself, for uint8 and for float32."""
    generator = torch.Generator().manual_seed(0)
    levels = torch.randint(0, 256, (5, 3, 4, 6), generator=generator, dtype=torch.uint8)
    copies = torch.randint(0, 256, (10, 3, 4, 6), generator=generator, dtype=torch.uint8)
    weights, share = draw_weights(0, "test", MANY[:5], width=2, device=CPU)
    wanted = np.einsum("nk,nkchw->nchw", weights.double(), copies.view(5, 2, 3, 4, 6).double())
    m = share.double().view(5, 1, 1, 1).numpy()
    wanted = (1 - m) * levels.double().numpy() + m * wanted
    np.testing.assert_allclose(mixed(levels, copies, weights, share).numpy(), wanted, atol=1e-4)
    np.testing.assert_allclose(
        mixed(levels / 255, copies / 255, weights, share).numpy(), wanted / 255, atol=1e-6
    )


def test_mixing_before_normalising_is_mixing_after_it() -> None:
    """The originals normalise every copy first: the same, as normalising is affine and the weights sum to 1."""
    generator = torch.Generator().manual_seed(0)
    images, copies = (torch.rand(n, 3, 8, 8, generator=generator) for n in (6, 18))
    mean, std = torch.tensor([0.49, 0.48, 0.45]).view(3, 1, 1), torch.tensor([0.2, 0.21, 0.19]).view(3, 1, 1)
    weights, share = draw_weights(0, "test", MANY[:6], width=3, device=CPU)
    before = (mixed(images, copies, weights, share) - mean) / std
    after = mixed((images - mean) / std, (copies - mean) / std, weights, share)
    torch.testing.assert_close(before, after, atol=5e-6, rtol=0.0)
