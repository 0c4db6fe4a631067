"""Fast passes: the very bytes of the exact operations, whatever the pictures, and those of OpenCV and SciPy."""

import cv2
import numpy as np
import pytest
import scipy.ndimage
import torch
from sklearn.datasets import load_sample_images
from torch import Tensor

from corruptions import PROTOCOLS, SEVERITIES, constants_of, corrupt, defocus_blur, gaussian_blur, zoom_blur
from corruptions import protocol as find_protocol

CELLS = [(protocol, severity) for protocol in PROTOCOLS for severity in SEVERITIES]


def planes(height: int, width: int) -> Tensor:
    """Return what is hard for a fast pass, uint8 (n,H,W): flat parts, ties by symmetry, edges, noise, a photograph."""
    rng = np.random.default_rng(height * 1000 + width)
    rows, columns = np.mgrid[:height, :width]
    photograph = load_sample_images().images[0][100 : 100 + height, 200 : 200 + width]
    half_flat = rng.integers(0, 256, (height, width))
    half_flat[height // 2 :] = 255
    half_flat[:, width // 2 :] = 3
    pictures = [
        *np.moveaxis(photograph, -1, 0),
        rng.integers(0, 256, (height, width)),
        rng.integers(0, 2, (height, width)) * 255,
        half_flat,
        (rows + columns) % 2 * 255,
        columns % 2 * 7 + rows % 3 * 50,
        np.minimum(rows + 2 * columns, 255),
        *(np.full((height, width), level) for level in (0, 1, 2, 4, 51, 128, 253, 254, 255)),
    ]
    return torch.from_numpy(np.stack(pictures).astype(np.uint8))


def of_any_size() -> list[tuple[int, int]]:
    """Return sizes from 1 to 70, odd ones and unequal sides among them."""
    return [(1, 1), (1, 9), (2, 5), (13, 8), (32, 32), (33, 47), (64, 31), (70, 69)]


@pytest.mark.parametrize("size", of_any_size(), ids=str)
def test_gaussian_blur_is_the_exact_one(size: tuple[int, int]) -> None:
    """By float32 sums, by float64 matrices, and where so much is near a level that all is done exactly."""
    pictures = planes(*size)
    for sigma in (0.3, 0.4, 0.7, 1, 1.5, 2, 3, 4, 6):
        exact = gaussian_blur.exactly(pictures, sigma)
        assert torch.equal(gaussian_blur.near_levels_redone(pictures, sigma, 1), exact), sigma
        assert torch.equal(gaussian_blur.near_levels_redone(pictures, sigma, 100), exact), sigma
        assert torch.equal(
            gaussian_blur.gaussian_blur(pictures[:, None].repeat(1, 3, 1, 1), sigma)[:, 2], exact
        )


@pytest.mark.parametrize("size", of_any_size(), ids=str)
def test_zoom_blur_is_the_exact_one(size: tuple[int, int]) -> None:
    """By one matrix in float32, and what it leaves open by looking up flat parts or by the zooms themselves."""
    pictures = planes(*size)
    for protocol, severity in CELLS:
        constants = constants_of("zoom_blur", severity, protocol)
        exact = zoom_blur.exactly(pictures, constants["stop"], constants["step"])
        found = zoom_blur.near_levels_redone(pictures, constants["stop"], constants["step"])
        assert torch.equal(found, exact), (protocol, severity)


@pytest.mark.parametrize("size", [(11, 13), (32, 32), (33, 47), (70, 69)], ids=str)
def test_defocus_blur_is_the_exact_one(size: tuple[int, int]) -> None:
    """By float32 products, and by Fourier transforms."""
    pictures = planes(*size)
    for protocol, severity in CELLS:
        constants = constants_of("defocus_blur", severity, protocol)
        plan = defocus_blur.planned(constants["radius"], constants["alias_blur"])
        exact = defocus_blur.exactly(pictures, plan)
        assert torch.equal(defocus_blur.near_levels_redone(pictures, plan), exact), (protocol, severity)
        assert torch.equal(defocus_blur.transformed(pictures, plan), exact), (protocol, severity)


@pytest.mark.parametrize(("protocol", "severity"), CELLS)
def test_defocus_blur_is_opencvs(protocol: str, severity: int) -> None:
    """Every level is that of cv2.filter2D with the same kernel on the grid of the reference, of 17 pixels or 21."""
    side = find_protocol(protocol).size
    pictures = planes(side, side)
    constants = constants_of("defocus_blur", severity, protocol)
    kernel = defocus_blur.disk_kernel(constants["radius"], constants["alias_blur"]).numpy()
    kernel = np.pad(kernel, (17 - len(kernel)) // 2 if len(kernel) < 17 else 0)
    found = corrupt(pictures[:, None].repeat(1, 3, 1, 1), "defocus_blur", severity, protocol=protocol)[:, 0]
    for picture, blurred in zip(pictures.numpy(), found.numpy(), strict=True):
        expected = np.clip(cv2.filter2D(picture / 255.0, -1, kernel), 0, 1) * 255
        assert np.array_equal(blurred, expected.astype(np.uint8))


@pytest.mark.skipif(
    torch.backends.cpu.get_cpu_capability()[:3] != "AVX", reason="OpenCV fuses with AVX2 alone"
)
@pytest.mark.parametrize(("protocol", "severity"), CELLS)
def test_disk_kernels_are_opencvs_to_the_last_bit(protocol: str, severity: int) -> None:
    """On a processor with AVX2; without it OpenCV rounds some weights of three of the kernels otherwise."""
    constants = constants_of("defocus_blur", severity, protocol)
    half = 8 if constants["radius"] <= 8 else int(constants["radius"])
    axis = np.arange(-half, half + 1)
    disk = (axis[:, None] ** 2 + axis**2 <= constants["radius"] ** 2).astype(np.float32)
    taps = (3, 3) if half == 8 else (5, 5)
    expected = cv2.GaussianBlur(disk / disk.sum(), ksize=taps, sigmaX=constants["alias_blur"])
    kernel = defocus_blur.disk_kernel(constants["radius"], constants["alias_blur"]).numpy()
    assert np.array_equal(np.pad(kernel, (len(expected) - len(kernel)) // 2), expected)


@pytest.mark.parametrize(("protocol", "severity"), CELLS)
def test_zoom_blur_is_scipys(protocol: str, severity: int) -> None:
    """Every level is that of scipy.ndimage.zoom's results, added up in float32."""
    side = find_protocol(protocol).size
    pictures = planes(side, side)[:: 4 if side > 64 else 1]  # SciPy is slow
    constants = constants_of("zoom_blur", severity, protocol)
    factors = np.arange(1, constants["stop"], constants["step"])
    shares = (np.moveaxis(pictures.numpy(), 0, -1) / 255.0).astype(np.float32)
    total = np.zeros_like(shares)
    for factor in factors:
        cut = int(np.ceil(side / factor))
        start = (side - cut) // 2
        zoomed = scipy.ndimage.zoom(
            shares[start : start + cut, start : start + cut], (factor, factor, 1), order=1
        )
        start = (len(zoomed) - side) // 2
        total += zoomed[start : start + side, start : start + side]
    expected = (np.clip((shares + total) / (len(factors) + 1), 0, 1) * 255).astype(np.uint8)
    found = corrupt(pictures[:, None].repeat(1, 3, 1, 1), "zoom_blur", severity, protocol=protocol)[:, 0]
    assert np.array_equal(found.permute(1, 2, 0).numpy(), expected)
