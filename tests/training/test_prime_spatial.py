"""PRIME's deformations."""

import math

import numpy as np
import torch
from scipy import stats
from scipy.ndimage import map_coordinates

from ppbench.training.augmentations import draws
from ppbench.training.augmentations.prime import deformed, displacement, draw_shift, temperature_range


def test_the_field_is_the_sum_of_its_modes() -> None:
    """Σ C_ij sin(iπx) sin(jπy) / sqrt(i² + j²) over i² + j² < (cut + ½)², term by term in float64, x before y."""
    side, temperature = 11, 1e-3
    for cut in (2, 5, 9):
        normal = torch.randn(2, cut, cut, generator=torch.Generator().manual_seed(cut))
        at = np.arange(side) / (side - 1)
        wanted = np.zeros((2, side, side))
        for axis in range(2):
            for i in range(1, cut + 1):
                for j in range(1, cut + 1):
                    if i * i + j * j < (cut + 0.5) ** 2:
                        amplitude = float(normal[axis, i - 1, j - 1]) / math.hypot(i, j)
                        wanted[axis] += amplitude * np.outer(np.sin(j * np.pi * at), np.sin(i * np.pi * at))
        wanted *= math.sqrt(temperature) * side
        np.testing.assert_allclose(displacement(normal, temperature, side).numpy(), wanted, atol=2e-6)


def test_deformed_images_are_scipys() -> None:
    """Linear interpolation at (x - dx, y - dy), held at the outermost pixels, in float64."""
    generator = torch.Generator().manual_seed(0)
    images = torch.rand(3, 3, 13, 13, generator=generator)
    shift = 4.0 * torch.randn(2, 13, 13, generator=generator)  # many places are outside
    y, x = np.mgrid[:13, :13]
    places = [(y - shift[1].double().numpy()).clip(0, 12), (x - shift[0].double().numpy()).clip(0, 12)]
    answer = deformed(images, shift)
    for image, got in zip(images.double().numpy(), answer.numpy(), strict=True):
        for channel, got_channel in zip(image, got, strict=True):
            wanted = map_coordinates(channel, places, order=1, mode="nearest")
            np.testing.assert_allclose(got_channel, wanted, atol=5e-6)


def test_without_a_shift_nothing_changes() -> None:
    """At zero strength the primitive is the identity to float32."""
    images = torch.rand(3, 3, 32, 32)
    torch.testing.assert_close(deformed(images, torch.zeros(2, 32, 32)), images, atol=5e-6, rtol=0.0)


def test_the_border_stays() -> None:
    """Every mode is zero on the outermost pixels, so that they show themselves."""
    images = torch.rand(2, 3, 16, 16)
    moved = deformed(images, draw_shift(draws.for_batch(0, "test"), 16, 2, 100, 1.0))
    inner = (slice(None), slice(None), slice(1, -1), slice(1, -1))
    assert (moved - images)[inner].abs().max() > 0.01
    moved[inner] = images[inner]
    torch.testing.assert_close(moved, images, atol=1e-4, rtol=0.0)


def test_temperatures_are_those_of_the_formulas() -> None:
    """Least 1/(πn² ln c), greatest 4/(π³c² ln c); above about 2n/π modes the greatest would be below the least."""
    least, greatest = temperature_range(32, 10)
    assert math.isclose(least, 1 / (math.pi * 1024 * math.log(10)), rel_tol=1e-5)
    assert math.isclose(greatest, 4 / (math.pi**3 * 100 * math.log(10)), rel_tol=1e-5)
    assert temperature_range(32, 20)[0] < temperature_range(32, 20)[1]
    assert temperature_range(32, 21)[0] > temperature_range(32, 21)[1]


def test_at_the_least_temperature_the_middle_moves_by_half_a_pixel() -> None:
    """The root mean square of the way, over 300 fields of three numbers of modes each, is within 15 % of ½ pixel."""
    generator = torch.Generator().manual_seed(0)
    for cut in (20, 50, 100):
        fields = [
            displacement(torch.randn(2, cut, cut, generator=generator), temperature_range(32, cut)[0], 32)
            for _ in range(300)
        ]
        middle = torch.stack(fields)[:, :, 12:20, 12:20]
        assert abs(float(middle.square().sum(1).mean().sqrt()) - 0.5) < 0.075


def test_at_the_greatest_temperature_images_fold_seldom() -> None:
    """The map x - dx, y - dy keeps its orientation at 99 % of the pixels for few modes, where it is finely sampled."""
    generator = torch.Generator().manual_seed(0)
    side, kept = 128, []
    for cut in (3, 5, 8):
        for _ in range(40):
            dx, dy = displacement(
                torch.randn(2, cut, cut, generator=generator), temperature_range(side, cut)[1], side
            )
            (dx_y, dx_x), (dy_y, dy_x) = (torch.gradient(one) for one in (dx, dy))
            kept.append(((1 - dx_x) * (1 - dy_y) - dx_y * dy_x > 0).float().mean())
    assert torch.stack(kept).mean() > 0.99


def test_the_number_of_modes_is_between_by_an_arcsine_law() -> None:
    """Beta(1/2, 1/2) numbers pass a Kolmogorov-Smirnov test against SciPy's over 1,000 steps."""
    drawn = [draws.arcsine(draws.for_batch(0, f"test/{step}"), "cut") for step in range(1000)]
    assert stats.kstest(drawn, stats.beta(0.5, 0.5).cdf).pvalue > 1e-4


def test_temperatures_are_between_the_least_and_alphas_share_of_the_greatest() -> None:
    """Alpha changes a step's field by a factor only: from 1, where the range is empty, to that of 2 modes, 2n/2π."""
    factors = []
    for step in range(300):
        least, half, whole = (
            draw_shift(draws.for_batch(0, f"test/{step}"), 32, 2, 20, a) for a in (0.0, 0.5, 1.0)
        )
        for shift in (half, whole):
            factor = float(shift.norm() / least.norm())
            torch.testing.assert_close(shift, factor * least, rtol=1e-4, atol=1e-4)
            factors.append(factor)
    halves, wholes = np.array(factors[::2]), np.array(factors[1::2])
    assert halves.min() > 1 - 1e-5
    assert (halves <= wholes * (1 + 1e-5)).all()
    assert 0.8 * 32 / math.pi < wholes.max() < 32 / math.pi * (1 + 1e-5)
    assert 0.8 * 32 / math.pi / 2**0.5 < halves.max() < 32 / math.pi / 2**0.5 * (1 + 1e-5)
