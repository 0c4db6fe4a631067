"""How image files of every kind become pixels."""

import warnings
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import torch
import torchvision.io
from PIL import Image
from torchvision.datasets.folder import default_loader

from ppbench.data.image_files import Geometry, ImageFiles
from ppbench.data.image_set import Pixels
from ppbench.data.picture import is_deep, read_picture
from ppbench.errors import InputError
from tests.data.image_bytes import png16, tiff

RNG = np.random.default_rng(0)
COLOURS = RNG.integers(0, 256, (12, 16, 3), dtype=np.uint8)
RGB = Image.fromarray(COLOURS)
SMOOTH = RGB.resize((32, 24), Image.Resampling.BICUBIC)
DEEP = RNG.integers(0, 65536, (12, 16)).astype(np.uint16)
DEEP[0, :6] = [0, 128, 129, 20000, 65280, 65535]
SCALED = np.round(DEEP / 257)  # 65535 is 255 * 257


def _encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = BytesIO()
    image.save(buffer, kind, **options)  # type: ignore[arg-type]  # Pillow's own options
    return buffer.getvalue()


def _read(content: bytes, tmp_path: Path, name: str = "x.png") -> Pixels:
    path = tmp_path / name
    path.write_bytes(content)
    return read_picture(path)


GREY16 = {
    "PNG": png16(DEEP),
    "TIFF": tiff(DEEP.astype("<u2").tobytes(), (16, 12), 16),
    "TIFF of the other byte order": tiff(DEEP.astype(">u2").tobytes(), (16, 12), 16, order=">"),
    "TIFF by Pillow": _encoded(Image.fromarray(DEEP), "TIFF"),
    "PGM": b"P5 16 12 65535\n" + DEEP.astype(">u2").tobytes(),
}


@pytest.mark.parametrize("kind", GREY16)
def test_grey_of_16_bits_is_scaled_and_rounded(kind: str, tmp_path: Path) -> None:
    """V * 255 / 65535, where torchvision's loader gives 255 for all but the darkest: 20000 is 78."""
    read = _read(GREY16[kind], tmp_path)
    assert read.dtype == np.uint8
    assert read[0, :6, 0].tolist() == [0, 0, 1, 78, 254, 255]
    for channel in range(3):
        np.testing.assert_array_equal(read[..., channel], SCALED)
    assert np.unique(np.asarray(default_loader(str(tmp_path / "x.png")))[DEEP > 255]).tolist() == [255]


def test_white_may_be_stored_as_zero(tmp_path: Path) -> None:
    """A TIFF says which of its ends is white; Pillow minds it with 8 bits only."""
    inverted = tiff(DEEP.tobytes(), (16, 12), 16, white_is_zero=True)
    np.testing.assert_array_equal(_read(inverted, tmp_path)[..., 0], 255 - SCALED)


def test_grey_of_12_bits_is_scaled_by_4095(tmp_path: Path) -> None:
    """A TIFF says how many bits it has: 2047 of 4095 is 127, and 4095 is white."""
    packed = bytes([0x7F, 0xF0, 0x00, 0xFF, 0xF8, 0x00]) * 2  # 2047, 0, 4095, 2048 in each of two rows
    read = _read(tiff(packed, (4, 2), 12), tmp_path)
    assert read[..., 0].tolist() == [[127, 0, 255, 128]] * 2


def test_a_pgm_is_scaled_by_its_own_maximum(tmp_path: Path) -> None:
    """It names the value of white, above 255 and below."""
    grey = (DEEP >> 4).astype(">u2")
    read = _read(b"P5 16 12 4095\n" + grey.tobytes(), tmp_path)
    assert np.abs(read[..., 0] - grey * (255 / 4095)).max() <= 0.51
    small = (COLOURS[..., 0] % 101).astype(np.uint8)
    np.testing.assert_allclose(
        _read(b"P5 16 12 100\n" + small.tobytes(), tmp_path)[..., 0], small * 2.55, atol=0.51
    )


FLOATS = RNG.random((12, 16)).astype(np.float32)
FLOATS[0, :2] = 0, 1
UNKNOWN = {
    "floats from 0 to 1": _encoded(Image.fromarray(FLOATS), "TIFF"),
    "floats from 0 to 255": _encoded(Image.fromarray(FLOATS * 255), "TIFF"),
    "integers from 0 to 65535": _encoded(Image.fromarray(DEEP.astype(np.int32)), "TIFF"),
    "integers from -5 to 7": tiff(np.array([-5, 7, 0, 0], "<i2").tobytes(), (2, 2), 16, kind=2),
}


@pytest.mark.parametrize("kind", UNKNOWN)
def test_a_range_that_the_file_does_not_say_is_refused(kind: str, tmp_path: Path) -> None:
    """Floats and 32-bit integers: one line with the file and what is in it, where Pillow cuts at 0 and 255."""
    with pytest.raises(
        InputError, match=rf"x\.tif: expected pixels of 8 or 16 bits, got {kind}, .*: save"
    ) as caught:
        _read(UNKNOWN[kind], tmp_path, "x.tif")
    assert "\n" not in str(caught.value)


WIDE = Image.fromarray(RNG.integers(0, 256, (8, 16, 3), dtype=np.uint8)).resize((64, 32))
ROTATED = Image.Exif()
ROTATED[274] = 6
ALPHA = Image.fromarray(RNG.integers(0, 256, (12, 16, 4), dtype=np.uint8))
GREY_ALPHA = Image.fromarray(RNG.integers(0, 256, (12, 16, 2), dtype=np.uint8))
PALETTE = RGB.quantize(16)
FRAMES = [Image.fromarray(RNG.integers(0, 256, (12, 16, 3), dtype=np.uint8)) for _ in range(3)]
MORE = {"save_all": True, "append_images": FRAMES[1:]}

BOTH = {
    "grey": _encoded(RGB.convert("L"), "PNG"),
    "grey with a transparent level": _encoded(RGB.convert("L"), "PNG", transparency=3),
    "black and white": _encoded(RGB.convert("1"), "PNG"),
    "palette": _encoded(PALETTE, "PNG"),
    "palette with a transparent colour": _encoded(PALETTE, "PNG", transparency=3),
    "palette with many transparent colours": _encoded(PALETTE, "PNG", transparency=bytes(range(0, 160, 10))),
    "RGBA": _encoded(ALPHA, "PNG"),
    "LA": _encoded(GREY_ALPHA, "PNG"),
    "RGBA WebP": _encoded(ALPHA, "WEBP", lossless=True, exact=True),
    "JPEG": _encoded(SMOOTH, "JPEG"),
    "grey JPEG": _encoded(SMOOTH.convert("L"), "JPEG"),
    "CMYK JPEG, inverted as Adobe's": _encoded(SMOOTH.convert("CMYK"), "JPEG", quality=95),
    "JPEG that says it is turned": _encoded(WIDE, "JPEG", exif=ROTATED),
    "JPEG with a profile": _encoded(SMOOTH, "JPEG", icc_profile=b"not a real one"),
    "animated PNG": _encoded(FRAMES[0], "PNG", **MORE),
    "GIF": _encoded(PALETTE, "GIF"),
}


@pytest.mark.parametrize("kind", BOTH)
def test_what_both_loaders_of_torchvision_read(kind: str, tmp_path: Path) -> None:
    """ImageFolder's and `decode_image`: the same pixels, and no warning of transparency that goes in any case."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        read = _read(BOTH[kind], tmp_path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        loaded = default_loader(str(tmp_path / "x.png"))
    np.testing.assert_array_equal(read, np.asarray(loaded))
    content = torch.frombuffer(bytearray(BOTH[kind]), dtype=torch.uint8)
    if not hasattr(torchvision.io, "decode_image"):
        pytest.skip("this torchvision has no decode_image any more")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        theirs = torchvision.io.decode_image(content, mode=torchvision.io.ImageReadMode.RGB)
    theirs = theirs.permute(1, 2, 0).numpy()
    np.testing.assert_array_equal(read, theirs)


LOADER_ONLY = {
    "BMP": _encoded(RGB, "BMP"),
    "PPM": _encoded(RGB, "PPM"),
    "PGM": _encoded(RGB.convert("L"), "PPM"),
    "CMYK TIFF": _encoded(SMOOTH.convert("CMYK"), "TIFF"),
    "YCbCr TIFF": _encoded(SMOOTH.convert("YCbCr"), "TIFF"),
    "CIELAB TIFF": _encoded(Image.merge("LAB", SMOOTH.split()), "TIFF"),
    "animated WebP": _encoded(FRAMES[0], "WEBP", lossless=True, **MORE),
    "TIFF of several pages": _encoded(FRAMES[0], "TIFF", **MORE),
    "RGB PNG of 16 bits": png16(np.stack([DEEP, DEEP.T.reshape(12, 16), DEEP[::-1]], -1)),
    "RGBA PNG of 16 bits": png16(np.stack([DEEP] * 4, -1)),
    "LA PNG of 16 bits": png16(np.stack([DEEP] * 2, -1)),
}


@pytest.mark.parametrize("kind", LOADER_ONLY)
def test_what_imagefolder_alone_reads(kind: str, tmp_path: Path) -> None:
    """`decode_image` refuses these, or gives 16 bits: the same pixels as the loader of ImageFolder gives."""
    (tmp_path / "x.png").write_bytes(LOADER_ONLY[kind])
    try:
        expected = np.asarray(default_loader(str(tmp_path / "x.png")))
    except OSError as error:  # Pillow reads a TIFF of YCbCr from 13 on
        pytest.skip(f"this Pillow cannot read a {kind} itself: {error}")
    np.testing.assert_array_equal(_read(LOADER_ONLY[kind], tmp_path), expected)


def test_colours_of_16_bits_lose_their_low_byte(tmp_path: Path) -> None:
    """As in torchvision's loader: at most one level below the rounded value."""
    read = _read(png16(np.stack([DEEP] * 3, -1)), tmp_path)[..., 0]
    np.testing.assert_array_equal(read, DEEP >> 8)
    assert set(np.unique(SCALED - read)) <= {-1, 0, 1}


def test_transparent_pixels_keep_the_colour_that_is_stored(tmp_path: Path) -> None:
    """Nothing is put behind them; and a picture that says it is turned is not turned."""
    clear = Image.new("RGBA", (4, 4), (10, 20, 30, 0))
    assert _read(_encoded(clear, "PNG"), tmp_path)[0, 0].tolist() == [10, 20, 30]
    assert _read(BOTH["JPEG that says it is turned"], tmp_path).shape == (32, 64, 3)


def test_the_first_frame_is_the_picture(tmp_path: Path) -> None:
    """Of an animation, and of a file of several pages."""
    for kind in ("animated WebP", "TIFF of several pages"):
        np.testing.assert_array_equal(_read(LOADER_ONLY[kind], tmp_path), np.asarray(FRAMES[0]))


@pytest.mark.parametrize("content", [b"", b"<html>", _encoded(SMOOTH, "JPEG")[:300], png16(DEEP)[:200]])
def test_a_damaged_file_is_one_line(content: bytes, tmp_path: Path) -> None:
    """Empty, a saved page, or cut off; a file that is not there is told apart."""
    with pytest.raises(InputError, match=r"x\.png: damaged, or no image \(.*fetch it again") as caught:
        _read(content, tmp_path)
    assert "\n" not in str(caught.value)
    with pytest.raises(InputError, match=r"y\.png: no such image"):
        read_picture(tmp_path / "y.png")


def test_only_sets_that_are_read_another_way_than_before_have_another_digest(tmp_path: Path) -> None:
    """What was kept of images that were read as white is not found again; all else is."""
    assert [is_deep(content) for content in (*GREY16.values(), *UNKNOWN.values())] == [True] * 9
    assert not any(is_deep(content) for content in (*BOTH.values(), *LOADER_ONLY.values(), b"", b"<html>"))
    (tmp_path / "0.png").write_bytes(BOTH["RGBA"])
    (tmp_path / "1.png").write_bytes(GREY16["PNG"])
    files = ImageFiles(tmp_path, ["0.png", "1.png"], Geometry(224, 256))
    assert files.content(0) == b"Geometry(size=224, resize=256)" + BOTH["RGBA"]
    assert files.content(1) != b"Geometry(size=224, resize=256)" + GREY16["PNG"]
