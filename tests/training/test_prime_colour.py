"""PRIME's colour curves."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from ppbench.training.augmentations import draws
from ppbench.training.augmentations.prime import draw_amplitudes, grid_cells, recoloured

CPU = torch.device("cpu")


def _direct(images: torch.Tensor, amplitudes: torch.Tensor, lowest: int) -> np.ndarray:
    """The definition: c + Σ a_k sin(πkc) in float64, one sine for each pixel and frequency, not clamped."""
    c = images.double().numpy()
    answer = c.copy()
    for k in range(amplitudes.shape[2]):
        a = amplitudes[:, :, k, None, None].double().numpy()
        answer += a * np.sin(np.pi * (lowest + k) * c)
    return answer


@given(
    highest=st.integers(1, 100),
    bandwidth=st.none() | st.integers(1, 20),
    spread=st.integers(0, 10**6),
    seed=st.integers(0, 99),
)
def test_curves_are_the_sum_of_sines(highest: int, bandwidth: int | None, spread: int, seed: int) -> None:
    """Levels of uint8 are exact to float32; others to the error of linear interpolation between grid points."""
    generator = torch.Generator().manual_seed(seed)
    lowest = 1 if bandwidth is None else 1 + spread % highest
    count = highest if bandwidth is None else min(bandwidth, highest + 1 - lowest)
    amplitudes = 0.1 * torch.randn(2, 3, count, generator=generator)
    levels = torch.randint(0, 256, (2, 3, 16, 16), generator=generator) / 255.0
    between = torch.rand(2, 3, 16, 16, generator=generator)
    k = np.arange(lowest, lowest + count)
    cells = grid_cells(lowest + count - 1)
    curvature = np.abs(amplitudes.numpy()).max((0, 1)) @ (np.pi * k) ** 2
    # float32 cannot tell levels apart by less than 2**-25, which the steepest curves show.
    slope = np.abs(amplitudes.numpy()).max((0, 1)) @ (np.pi * k) * 2.0**-23
    rounding = 5e-6 + slope
    for images, bound in ((levels, rounding), (between, rounding + curvature / 8 / cells**2)):
        wanted = _direct(images, amplitudes, lowest).clip(0.0, 1.0)
        assert np.abs(recoloured(images, amplitudes, lowest).numpy() - wanted).max() <= bound


@pytest.mark.parametrize("lowest, count, temperature", [(1, 100, 0.01), (481, 20, 0.05)])
def test_the_roughest_curves_are_within_two_levels(lowest: int, count: int, temperature: float) -> None:
    """CIFAR's and ImageNet's highest frequencies at the highest temperature: 99.9 % of pixels within half a level."""
    generator = torch.Generator().manual_seed(1)
    amplitudes = math.sqrt(temperature) * torch.randn(20, 3, count, generator=generator)
    images = torch.rand(20, 3, 64, 64, generator=generator)
    # On the float32 image that the curve is given, in float64.
    wanted = _direct(images, amplitudes, lowest).clip(0.0, 1.0)
    off = 255.0 * np.abs(recoloured(images, amplitudes, lowest).numpy() - wanted)
    assert off.max() < 2.0
    assert np.quantile(off, 0.999) < 0.5


def test_a_curve_does_not_depend_on_the_rest_of_the_batch() -> None:
    """The same bytes alone, in batches of any size, and at any place in them."""
    generator = torch.Generator().manual_seed(0)
    images, amplitudes = (
        torch.rand(70, 3, 8, 8, generator=generator),
        torch.randn(70, 3, 77, generator=generator),
    )
    whole = recoloured(images, amplitudes)
    for size in (1, 2, 5, 8, 9, 31):
        parts = [recoloured(images[k : k + size], amplitudes[k : k + size]) for k in range(0, 70, size)]
        assert torch.equal(torch.cat(parts), whole)


def test_without_amplitudes_nothing_changes() -> None:
    """At zero strength the primitive is the identity to float32."""
    images = torch.rand(3, 3, 8, 8)
    torch.testing.assert_close(recoloured(images, torch.zeros(3, 3, 100)), images, atol=2e-7, rtol=0.0)


def test_black_and_white_stay() -> None:
    """Every sine is zero at both ends."""
    ends = torch.tensor([0.0, 1.0]).expand(2, 3, 1, 2)
    moved = recoloured(ends, torch.randn(2, 3, 50))
    torch.testing.assert_close(moved, ends, atol=1e-5, rtol=0.0)


def test_channels_have_curves_of_their_own_and_pixels_of_a_channel_one() -> None:
    """Equal levels stay equal within a channel, not across channels."""
    grey = torch.full((1, 3, 4, 4), 0.37)
    moved = recoloured(grey, 0.1 * torch.randn(1, 3, 10, generator=torch.Generator().manual_seed(0)))
    assert torch.equal(moved, moved[..., :1, :1].expand_as(moved))
    assert len(moved[0, :, 0, 0].unique()) == 3


def _draw(step: int, bandwidth: int | None = None) -> tuple[torch.Tensor, int]:
    own = draws.for_images(0, f"test/{step}", torch.arange(50), CPU)
    return draw_amplitudes(draws.for_batch(0, f"test/{step}"), own, 100, 0.01, bandwidth)


def test_frequencies_and_temperature_are_uniform() -> None:
    """Over 600 steps: 1 to K with K uniform up to 100, and the variance uniform up to 0.01."""
    drawn = [_draw(step) for step in range(600)]
    assert {lowest for _, lowest in drawn} == {1}
    counts = np.array([amplitudes.shape[2] for amplitudes, _ in drawn])
    assert counts.min() >= 1
    assert counts.max() <= 100
    assert stats.kstest((counts - 0.5) / 100, "uniform").pvalue > 1e-4
    variances = [float(amplitudes.var()) for amplitudes, _ in drawn if amplitudes.shape[2] > 20]
    assert stats.kstest(np.array(variances) / 0.01, "uniform").pvalue > 1e-4


def test_a_bandwidth_keeps_neighbouring_frequencies() -> None:
    """At most 20, from a lowest one that is at most K, up to K."""
    for step in range(200):
        whole, _ = _draw(step)
        part, lowest = _draw(step, bandwidth=20)
        highest = whole.shape[2]  # the same draw
        assert 1 <= lowest <= highest
        assert part.shape[2] == min(20, highest + 1 - lowest)
