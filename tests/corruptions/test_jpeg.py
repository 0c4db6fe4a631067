import re
from io import BytesIO
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, features

from corruptions import CorruptionError, corrupt, jpeg_codec, jpeg_round_trip
from corruptions.jpeg import by_pillow

QUALITIES = (7, 10, 25, 40, 85, 95)


def pillows(image: npt.NDArray[np.uint8], quality: int) -> npt.NDArray[np.uint8]:
    """Return what Pillow reads from the JPEG that it wrote: the most straightforward way, as the reference does."""
    stored = BytesIO()
    Image.fromarray(image).save(stored, "JPEG", quality=quality)
    return np.array(Image.open(stored))


def ours(image: npt.NDArray[np.uint8], quality: int) -> npt.NDArray[np.uint8]:
    """Return what the torch arithmetic gives, whatever the size."""
    planes = torch.from_numpy(image).permute(2, 0, 1)[None].contiguous()
    return jpeg_codec.lossy(planes, quality, encoder="turbo", decoder="turbo")[0].permute(1, 2, 0).numpy()


@pytest.mark.parametrize("quality", QUALITIES)
def test_equals_pillow_on_photographs_of_any_size(quality: int, test_data: Path) -> None:
    """All 100 ImageNet photographs, some cut to odd sizes, give Pillow's pixels, by both ways."""
    files = sorted((test_data / "imagenet-sample" / "val").rglob("*.JPEG"))
    assert len(files) == 100
    for k, file in enumerate(files):
        with Image.open(file) as photograph:
            image = np.array(photograph.convert("RGB"))
        image = np.ascontiguousarray(image[: image.shape[0] - k % 5, : image.shape[1] - k % 7])
        expected = pillows(image, quality)
        assert np.array_equal(ours(image, quality), expected), file.name
        assert np.array_equal(jpeg_round_trip(image[None], quality, codec="turbo")[0], expected), file.name


@pytest.mark.parametrize("quality", QUALITIES)
def test_equals_pillow_on_cifar(quality: int, test_data: Path) -> None:
    """All 1,000 CIFAR images give Pillow's pixels."""
    with np.load(test_data / "cifar10" / "test-first1000.npz") as file:
        images = file["images"]
    expected = np.stack([pillows(image, quality) for image in images])
    assert np.array_equal(jpeg_round_trip(images, quality, codec="turbo"), expected)


@pytest.fixture
def golden(test_data: Path) -> dict[str, npt.NDArray[np.uint8]]:
    """What Pillow 8.4.0 with IJG's libjpeg 9 made of some images: pixels, and files."""
    with np.load(test_data / "golden" / "jpeg-ijg9.npz") as file:
        return dict(file)


def test_equals_ijgs_library_both_ways(golden: dict[str, npt.NDArray[np.uint8]]) -> None:
    """CIFAR images, photographs and odd sizes at all qualities of the protocols, value by value."""
    kinds = {"ijg9_32": "clean32", "ijg9_224": "clean224", "ijg9_odd": "clean_odd"}
    made = [key for key in golden if key.partition("/")[0] in kinds]
    assert len(made) == 12
    for key in made:
        kind, _, quality = key.partition("/q")
        found = jpeg_round_trip(golden[kinds[kind]], int(quality), codec="ijg9")
        assert np.array_equal(found, golden[key]), key


def test_equals_a_published_file_that_is_read_today(golden: dict[str, npt.NDArray[np.uint8]]) -> None:
    """Encoded by IJG's library, decoded by whatever Pillow is here, which is libjpeg-turbo's."""
    found = jpeg_round_trip(golden["clean224"], 85)
    for k, image in enumerate(found):
        file = BytesIO(golden[f"ijg9_224_file/q85/{k}"].tobytes())
        assert np.array_equal(image, np.array(Image.open(file)))


@settings(max_examples=60, deadline=None)
@given(
    height=st.integers(1, 70),
    width=st.integers(1, 70),
    quality=st.integers(1, 100),
    kind=st.sampled_from(["noise", "binary", "flat", "ramp"]),
    seed=st.integers(0, 999),
)
def test_equals_pillow_on_anything(height: int, width: int, quality: int, kind: str, seed: int) -> None:
    """Noise, extreme pixels, flat and smooth images of any size from 1 x 1 up give Pillow's pixels, by both ways."""
    rng = np.random.default_rng(seed)
    image = {
        "noise": rng.integers(0, 256, (height, width, 3), np.uint8),
        "binary": rng.integers(0, 2, (height, width, 3), np.uint8) * np.uint8(255),
        "flat": np.broadcast_to(rng.integers(0, 256, 3, np.uint8), (height, width, 3)).copy(),
        "ramp": (np.add.outer(np.arange(height), np.arange(width))[..., None] * [1, 2, 3]).astype(np.uint8),
    }[kind]
    expected = pillows(image, quality)
    assert np.array_equal(ours(image, quality), expected)
    planes = torch.from_numpy(image).permute(2, 0, 1)[None].contiguous()
    assert np.array_equal(by_pillow(planes, quality)[0].permute(1, 2, 0).numpy(), expected)


def test_a_pillow_of_another_library_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """A system's Pillow may have IJG's library: libjpeg-turbo's pixels then come from the arithmetic."""
    image = np.random.default_rng(0).integers(0, 256, (1, 70, 90, 3), np.uint8)
    expected = jpeg_round_trip(image, 50, codec="turbo")
    monkeypatch.setattr(features, "check_feature", lambda _name: False)
    monkeypatch.delattr("corruptions.jpeg.by_pillow")
    assert np.array_equal(jpeg_round_trip(image, 50, codec="turbo"), expected)


def test_keeps_kind_and_input() -> None:
    """A tensor gives a tensor, an array an array, none gives none; the input stays as it is."""
    images = np.random.default_rng(0).integers(0, 256, (3, 40, 40, 3), np.uint8)
    kept = images.copy()
    tensor = torch.from_numpy(images).permute(0, 3, 1, 2)
    assert np.array_equal(jpeg_round_trip(tensor).permute(0, 2, 3, 1).numpy(), jpeg_round_trip(images))
    assert np.array_equal(images, kept)
    assert jpeg_round_trip(images[:0]).shape == (0, 40, 40, 3)


def test_corrupt_leaves_the_storage_step_to_the_caller() -> None:
    """`corrupt` returns raw pixels even where the published files are JPEG: its jpeg_compression is one round trip."""
    images = np.random.default_rng(0).integers(0, 256, (1, 96, 96, 3), np.uint8)
    corrupted = corrupt(images, "jpeg_compression", 1, protocol="imagenet-c")
    assert np.array_equal(corrupted, jpeg_round_trip(images, 25, codec="ijg9"))


@pytest.mark.parametrize("quality", [0, 101, 85.0, "85", True])
def test_bad_quality(quality: object) -> None:
    """A quality that JPEG does not have is refused in one line."""
    with pytest.raises(
        CorruptionError, match=re.escape(f"expected a JPEG quality of 1 to 100, got {quality!r}")
    ):
        jpeg_round_trip(np.zeros((1, 32, 32, 3), np.uint8), quality)  # type: ignore[arg-type] - wrong on purpose
