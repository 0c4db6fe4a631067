"""PRIME's random filters."""

import numpy as np
import pytest
import torch
from scipy.signal import correlate2d

from ppbench.training.augmentations import draws
from ppbench.training.augmentations.prime import draw_kernels, filtered

CPU = torch.device("cpu")


def _kernels(count: int, sigma: float, *, centred: bool, step: int = 0) -> torch.Tensor:
    own = draws.for_images(0, f"test/{step}", torch.arange(count), CPU)
    return draw_kernels(draws.for_batch(0, f"test/{step}"), own, sigma, centred=centred)


def test_filters_are_scipys_correlation_clamped() -> None:
    """Float64 correlation with zeros around, channel by channel with the same kernel, clamped to [0, 1]."""
    images = torch.rand(5, 3, 9, 12, generator=torch.Generator().manual_seed(0))
    kernels = _kernels(5, 4.0, centred=False)
    answer = filtered(images, kernels)
    for image, kernel, got in zip(images.double(), kernels.double(), answer, strict=True):
        for channel, got_channel in zip(image, got, strict=True):
            wanted = correlate2d(channel.numpy(), kernel.numpy(), mode="same").clip(0.0, 1.0)
            np.testing.assert_allclose(got_channel.numpy(), wanted, atol=3e-6)
    assert ((answer > 0.0) & (answer < 1.0)).any()  # the clamp has left something to compare


def test_without_noise_a_centred_filter_changes_nothing() -> None:
    """At zero strength the primitive is the identity, bit for bit."""
    images = torch.rand(4, 3, 8, 8)
    assert torch.equal(filtered(images, _kernels(4, 0.0, centred=True)), images)


def test_without_noise_the_originals_filter_moves_the_image_by_a_pixel() -> None:
    """The original's impulse is in the last row and column: the image moves up and to the left, zeros come in."""
    images = torch.rand(4, 3, 8, 8)
    moved = filtered(images, _kernels(4, 0.0, centred=False))
    assert torch.equal(moved[..., :-1, :-1], images[..., 1:, 1:])
    assert not moved[..., -1, :].any()
    assert not moved[..., :, -1].any()


@pytest.mark.parametrize("centred", [True, False])
def test_kernels_are_an_impulse_plus_noise_of_one_strength_a_step(centred: bool) -> None:
    """Over 4,000 images: the mean is the impulse, and the nine deviations agree with one sigma, at most 4."""
    kernels = _kernels(4000, 4.0, centred=centred)
    sigma = kernels.std(0)
    strength = sigma.mean()
    assert 0.0 < strength <= 4.0
    assert (sigma / strength - 1.0).abs().max() < 5 / (2 * 4000) ** 0.5
    impulse = torch.zeros(3, 3)
    impulse[(1, 1) if centred else (2, 2)] = 1.0
    assert (kernels.mean(0) - impulse).abs().max() < 5 * strength / 4000**0.5


def test_the_strength_of_a_step_is_uniform_up_to_sigma() -> None:
    """Over 300 steps the noise's deviation has the mean and the deviation of a uniform number in [0, 4)."""
    noise = torch.stack([_kernels(400, 4.0, centred=True, step=step) for step in range(300)])
    noise[:, :, 1, 1] -= 1.0
    sigma = noise.flatten(1).std(1)
    assert sigma.max() < 4.1
    assert abs(sigma.mean() - 2.0) < 5 * 4 / 12**0.5 / 300**0.5
    assert abs(sigma.std() - 4 / 12**0.5) < 0.15
