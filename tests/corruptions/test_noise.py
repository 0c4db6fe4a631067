from pathlib import Path

import numpy as np
import pytest
import torch
from scipy import stats
from skimage.util import random_noise

from corruptions import PROTOCOLS, SEVERITIES, Random, constants_of, corrupt
from corruptions.registry import corruption
from tests.corruptions.golden import golden

RATES = sorted({constants_of("shot_noise", s, p)["rate"] for p in PROTOCOLS for s in range(1, 6)})


@pytest.mark.parametrize("rate", RATES)
def test_photon_counts_are_poisson(rate: float) -> None:
    """Counts follow the Poisson law of their pixel (chi-square over all levels), counts of white pooled."""
    levels = torch.arange(256, dtype=torch.uint8).repeat_interleave(64).view(1, 1, 128, 128)
    images = levels.expand(4, 3, 128, 128).contiguous()
    random = Random(1, "shot_noise", 1, torch.arange(4), images.device)
    counts = corruption("shot_noise").draw(images, {"rate": rate}, random)["counts"].numpy().ravel()
    means = images.numpy().ravel() / 255 * rate
    assert counts[means == 0].max() == 0
    # The law's own distribution function, made uniform by a second draw, must be uniform where counts are not pooled.
    inside, jitter = (means > 0) & (counts < rate), np.random.default_rng(0).random(means.size)
    low, high = stats.poisson.cdf(counts - 1, means), stats.poisson.cdf(counts, means)
    below = stats.poisson.cdf(rate - 1, means)
    position = ((low + jitter * (high - low)) / below)[inside]
    assert stats.kstest(position, "uniform").pvalue > 1e-3
    white = (counts == rate)[means > 0].mean()
    expected = 1 - below[means > 0]
    assert abs(white - expected.mean()) < 4.5 * (expected * (1 - expected)).mean() ** 0.5 / inside.size**0.5


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("severity", [1, 3, 5])
def test_impulse_noise_has_the_reference_distribution(protocol: str, severity: int) -> None:
    """Each channel value turns white or black with probability amount / 2 each, independently; others stay."""
    amount = constants_of("impulse_noise", severity, protocol)["share"]
    clean = np.full((40, 64, 64, 3), 100, np.uint8)
    noisy = corrupt(clean, "impulse_noise", severity, protocol=protocol)
    assert set(np.unique(noisy)) == {0, 100, 255}
    error = 4.5 * (amount / 2 / clean.size) ** 0.5
    assert abs((noisy == 255).mean() - amount / 2) < error
    assert abs((noisy == 0).mean() - amount / 2) < error
    hit = (noisy != 100).reshape(-1, 3)
    # Independent channels: two at a pixel are hit with the probability's square.
    assert abs((hit[:, 0] & hit[:, 1]).mean() - amount**2) < 4.5 * amount / len(hit) ** 0.5


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("severity", SEVERITIES)
def test_impulse_noise_is_scikit_images(protocol: str, severity: int) -> None:
    """With the draws of scikit-image's own function the image is equal; what it leaves alone keeps its level.

    It draws twice for each value, whether to hit it and whether white; ours once, whose ends are white and black.
    """
    images = np.arange(256, dtype=np.uint8).repeat(48).reshape(4, 32, 32, 3)
    constants = constants_of("impulse_noise", severity, protocol)
    noisy = random_noise(images / 255.0, mode="s&p", rng=severity, amount=constants["share"])
    random = np.random.default_rng(severity)
    hit, white = random.random(images.shape) <= constants["share"], random.random(images.shape) <= 0.5
    bits = np.where(hit, np.where(white, -(2**31), 2**31 - 1), 0).transpose(0, 3, 1, 2).astype(np.int32)
    planes = torch.from_numpy(images).permute(0, 3, 1, 2).contiguous()
    found = corruption("impulse_noise").apply(planes, constants, {"bits": torch.from_numpy(bits)})
    expected = (np.clip(noisy, 0, 1) * 255).astype(np.uint8)
    assert np.array_equal(found.permute(0, 2, 3, 1).numpy(), expected)


@pytest.mark.parametrize("name", ["gaussian_noise", "speckle_noise"])
@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("precision", [np.float32, np.float64])
def test_noise_is_float64_arithmetic(name: str, protocol: str, precision: type) -> None:
    """Every level, with draws of either precision and with none, becomes what the reference's float64 makes of it."""
    images = np.arange(256, dtype=np.uint8).repeat(192).reshape(4, 3, 64, 64)
    noise = np.random.default_rng(0).standard_normal(images.shape).astype(precision)
    noise[:, :, :4] = 0  # the sums that come out whole
    for severity in SEVERITIES:
        constants = constants_of(name, severity, protocol)
        share = images / 255.0
        added = noise.astype(np.float64) * constants["std"]
        noisy = share + (added if name == "gaussian_noise" else share * added)
        found = corruption(name).apply(
            torch.from_numpy(images), constants, {"noise": torch.from_numpy(noise)}
        )
        assert np.array_equal(found.numpy(), (np.clip(noisy, 0, 1) * 255).astype(np.uint8))


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_impulse_noise_changes_as_many_values_as_the_reference(protocol: str, test_data: Path) -> None:
    """On the reference's images the shares of salt and pepper agree with the reference's own within chance."""
    files = golden(test_data, protocol)
    clean = files["clean"]
    for severity in (s for s in range(1, 6) if f"impulse_noise/{s}" in files):
        theirs = files[f"impulse_noise/{severity}"]
        many = np.concatenate([clean] * 16)
        mine = corrupt(many, "impulse_noise", severity, protocol=protocol)
        for level in (0, 255):
            usable = clean != level
            got = ((mine == level) & np.concatenate([usable] * 16)).sum() / (16 * usable.sum())
            expected = ((theirs == level) & usable).sum() / usable.sum()
            assert abs(got - expected) < 4.5 * (got * 17 / 16 / usable.sum()) ** 0.5
        changed = theirs[theirs != clean]
        assert set(np.unique(changed)) <= {0, 255}
