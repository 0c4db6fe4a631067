"""AugMix's operations in batches, against Pillow's."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageOps
from torch import Tensor

from ppbench.training.augmentations.operations import (
    autocontrast,
    equalize,
    looked_up,
    posterize,
    rotation,
    solarize,
    transformed,
)


def _many(seed: int = 0) -> Tensor:
    """Noise, blots, single levels, and images whose channels hold two levels."""
    rng = np.random.default_rng(seed)
    noise = rng.integers(0, 256, (20, 3, 32, 24), dtype=np.uint8)
    blots = np.kron(rng.integers(0, 256, (20, 3, 4, 3)), np.ones((8, 8))).astype(np.uint8)
    dim = (noise // 5 + 90).astype(np.uint8)
    flat = np.full((3, 3, 32, 24), 77, np.uint8)
    two = np.where(noise > 128, 10, 200).astype(np.uint8)
    return torch.from_numpy(np.concatenate([noise, blots, dim, flat, two]))


def _pillow(images: Tensor, operation: Callable[[Image.Image], Image.Image]) -> Tensor:
    made = [np.array(operation(Image.fromarray(image.permute(1, 2, 0).numpy()))) for image in images]
    return torch.from_numpy(np.stack(made)).permute(0, 3, 1, 2)


def _all(images: Tensor, value: int) -> Tensor:
    return torch.full((len(images),), value)


@pytest.fixture(params=["made", "cifar"])
def images(request: pytest.FixtureRequest) -> Tensor:
    """Made images, and real ones."""
    if request.param == "made":
        return _many()
    folder: Path = request.getfixturevalue("test_data")
    with np.load(folder / "cifar10" / "test-first1000.npz") as file:
        return torch.from_numpy(file["images"][:200]).permute(0, 3, 1, 2).contiguous()


def test_autocontrast_is_pillows(images: Tensor) -> None:
    """Every byte, flat channels too."""
    assert torch.equal(looked_up(images, autocontrast(images)), _pillow(images, ImageOps.autocontrast))


def test_equalize_is_pillows(images: Tensor) -> None:
    """Every byte, flat channels too."""
    assert torch.equal(looked_up(images, equalize(images)), _pillow(images, ImageOps.equalize))


def test_a_channel_of_too_few_pixels_is_not_equalized() -> None:
    """Under 255 pixels besides those of the highest level there is no step; as in Pillow."""
    small = _many()[:, :, :16, :16]
    assert torch.equal(looked_up(small, equalize(small)), _pillow(small, ImageOps.equalize))
    tiny = small[..., :8]
    assert torch.equal(looked_up(tiny, equalize(tiny)), tiny)


@pytest.mark.parametrize("bits", range(1, 9))
def test_posterize_is_pillows(images: Tensor, bits: int) -> None:
    """Every byte, for every number of bits."""
    tables = posterize(_all(images, bits)).expand(-1, 3, -1)
    assert torch.equal(looked_up(images, tables), _pillow(images, lambda one: ImageOps.posterize(one, bits)))


@pytest.mark.parametrize("threshold", [0, 1, 128, 180, 255, 256])
def test_solarize_is_pillows(images: Tensor, threshold: int) -> None:
    """Every byte, from all inverted to none."""
    tables = solarize(_all(images, threshold)).expand(-1, 3, -1)
    assert torch.equal(
        looked_up(images, tables), _pillow(images, lambda one: ImageOps.solarize(one, threshold))
    )


def _assert_nearly(got: Tensor, wanted: Tensor) -> None:
    """Off by one level at most, and seldom: results are truncated, and Pillow works in float64."""
    off = (got.int() - wanted.int()).abs()
    assert off.max() <= 1
    assert (off > 0).float().mean() < 2e-4 * max(got.shape[2:])


@pytest.mark.parametrize("degrees", [0, 1, -1, 8, -9, 30, -30])
def test_turns_are_pillows(images: Tensor, degrees: int) -> None:
    """Counter-clockwise about the middle, linear interpolation, black corners."""
    turned = transformed(images, rotation(_all(images, degrees), *images.shape[2:]))
    _assert_nearly(
        turned, _pillow(images, lambda one: one.rotate(degrees, resample=Image.Resampling.BILINEAR))
    )


@pytest.mark.parametrize("size", [32, 224])
@pytest.mark.parametrize(
    "matrix",
    [(1, 0.07, 0, 0, 1, 0), (1, -0.2987, 0, 0, 1, 0), (1, 0, 0, 0.09, 1, 0), (1, 0, 0, -0.013, 1, 0)],
)
def test_shears_are_pillows(size: int, matrix: tuple[float, ...]) -> None:
    """About the upper left corner, in float64 there and in float32 here, at both sizes in use."""
    images = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (4, 3, size, size), dtype=np.uint8))
    _assert_nearly(_transformed(images, matrix), _pillow_transform(images, matrix))


@pytest.mark.parametrize("size", [32, 224])
@pytest.mark.parametrize("shift", [(3, 0), (-10, 0), (0, 1), (0, -7)])
def test_translations_are_pillows(size: int, shift: tuple[int, int]) -> None:
    """Whole pixels: every byte."""
    images = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (4, 3, size, size), dtype=np.uint8))
    matrix = (1, 0, shift[0], 0, 1, shift[1])
    assert torch.equal(_transformed(images, matrix), _pillow_transform(images, matrix))


def _transformed(images: Tensor, matrix: tuple[float, ...]) -> Tensor:
    return transformed(
        images, torch.tensor(matrix, dtype=torch.float64).view(1, 2, 3).expand(len(images), 2, 3)
    )


def _pillow_transform(images: Tensor, matrix: tuple[float, ...]) -> Tensor:
    size = (images.shape[3], images.shape[2])
    return _pillow(
        images,
        lambda one: one.transform(size, Image.Transform.AFFINE, matrix, resample=Image.Resampling.BILINEAR),
    )
