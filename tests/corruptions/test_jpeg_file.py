"""JPEG files of our own: those of IJG's libjpeg 9, and of libjpeg-turbo, byte for byte."""

from io import BytesIO
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from torch import Tensor

from corruptions import CorruptionError, jpeg_round_trip
from corruptions.jpeg_file import jpeg_files


def planes(images: npt.NDArray[np.uint8]) -> Tensor:
    """Return images (N,H,W,3) as the writer takes them, (N,3,H,W)."""
    return torch.from_numpy(images).permute(0, 3, 1, 2)


def test_equals_the_files_of_ijgs_library(test_data: Path) -> None:
    """Six photographs at quality 85 with optimised tables: every byte is as Pillow 8.4.0 with libjpeg 9d wrote it."""
    with np.load(test_data / "golden" / "jpeg-ijg9.npz") as golden:
        made = jpeg_files(planes(golden["clean224"]), 85)
        assert len(made) == 6
        for number, file in enumerate(made):
            assert file == golden[f"ijg9_224_file/q85/{number}"].tobytes(), number


def picture(kind: str, height: int, width: int, seed: int) -> npt.NDArray[np.uint8]:
    """Return (H,W,3): noise, extreme or rare values, one colour, or a ramp."""
    rng = np.random.default_rng(seed)
    shape = (height, width, 3)
    if kind == "noise":
        return rng.integers(0, 256, shape, np.uint8)
    if kind == "binary":
        return rng.integers(0, 2, shape, np.uint8) * np.uint8(255)
    if kind == "rare":  # of very different frequencies, so that codes would be longer than 16 bits
        return np.minimum(rng.geometric(0.5, shape) ** 2, 255).astype(np.uint8)
    if kind == "flat":
        return np.broadcast_to(rng.integers(0, 256, 3, np.uint8), shape).copy()
    return (np.add.outer(np.arange(height), np.arange(width))[..., None] * [1, 2, 3]).astype(np.uint8)


@settings(max_examples=100, deadline=None)
@given(
    height=st.integers(1, 70),
    width=st.integers(1, 70),
    quality=st.integers(1, 100),
    kind=st.sampled_from(["noise", "binary", "rare", "flat", "ramp"]),
    seed=st.integers(0, 999),
)
def test_equals_pillow_on_anything(height: int, width: int, quality: int, kind: str, seed: int) -> None:
    """Of libjpeg-turbo's coefficients every byte is Pillow's; a file of IJG's reads as the round trip says."""
    image = picture(kind, height, width, seed)
    expected = BytesIO()
    Image.fromarray(image).save(expected, "JPEG", quality=quality, optimize=True)
    assert jpeg_files(planes(image[None]), quality, "turbo") == [expected.getvalue()]
    (file,) = jpeg_files(planes(image[None]), quality)
    assert np.array_equal(np.array(Image.open(BytesIO(file))), jpeg_round_trip(image[None], quality)[0])


def test_long_codes_are_limited() -> None:
    """Of symbols about as frequent as Fibonacci's numbers some would take 18 bits: the 16 of a file are Pillow's."""
    counts = [1, 2]
    while len(counts) < 18:
        counts.append(counts[-1] + counts[-2] + 1)
    cosines = np.cos(np.pi / 16 * np.outer(np.arange(8), 2 * np.arange(8) + 1))
    cosines[0] *= np.sqrt(0.5)
    places = [(0, 1), (1, 0), (2, 0), (1, 1), (0, 2), (0, 3), (1, 2), (2, 1), (3, 0)]
    # One frequency in each block, of 1 or of 2 to 3 steps: as many zeros before it, so that each is another symbol.
    blocks = [
        np.rint(128 + steps * 30 * np.outer(cosines[down], cosines[right]) / 4).astype(np.uint8)
        for steps in (1, 4)
        for down, right in places
    ]
    every = np.repeat(np.stack(blocks), counts, axis=0)
    side = int(np.ceil(np.sqrt(len(every))))
    every = np.concatenate((every, np.full((side * side - len(every), 8, 8), 128, np.uint8)))
    grey = every.reshape(side, side, 8, 8).transpose(0, 2, 1, 3).reshape(8 * side, 8 * side)
    image = np.repeat(grey[..., None], 3, axis=2)
    expected = BytesIO()
    Image.fromarray(image).save(expected, "JPEG", quality=30, optimize=True)
    assert jpeg_files(planes(image[None]), 30, "turbo") == [expected.getvalue()]


def test_a_batch_is_its_images() -> None:
    """A file does not depend on the images beside it; none gives none."""
    images = np.stack([picture("noise", 40, 24, seed) for seed in range(5)])
    together = jpeg_files(planes(images), 85)
    assert together == [jpeg_files(planes(image[None]), 85)[0] for image in images]
    assert jpeg_files(planes(images[:0]), 85) == []


def test_a_side_that_no_file_can_have() -> None:
    """The limit of libjpeg, in one line."""
    with pytest.raises(
        CorruptionError, match="expected images of at most 65,500 pixels a side, got 1 x 65501"
    ):
        jpeg_files(torch.zeros(1, 3, 1, 65501, dtype=torch.uint8), 85)
