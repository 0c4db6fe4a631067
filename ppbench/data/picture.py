"""How an image file becomes pixels: whatever ppbench reads from one, it reads here.

Pillow's `convert("RGB")`, as torchvision's `ImageFolder` reads a file, but for grey pixels of more than eight bits,
which Pillow cuts off at 255. docs/data.md compares the two for every kind of file.
"""

from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image, TiffImagePlugin, UnidentifiedImageError

from ppbench.data.image_set import Pixels
from ppbench.errors import InputError

_BITS_PER_SAMPLE, _PHOTOMETRIC = 258, 262
"""Tags of a TIFF file."""

_DEEP = ("I", "F")
"""What the names of modes with more than eight bits begin with: I, I;16, I;16B, F."""


def read_picture(path: Path) -> Pixels:
    """Return an image file as (H, W, 3) uint8 RGB.

    Raises:
        InputError: as `open_rgb`.
    """
    return np.array(open_rgb(path))


def open_rgb(path: Path, *, draft: int | None = None) -> Image.Image:
    """Return an image file decoded, in mode RGB: its first frame, as it is stored, without its transparency.

    Grey of 16 bits (PNG, TIFF, PGM) or 12 (TIFF) is scaled, black to 0 and white to 255, and rounded.

    Args:
        path: the file.
        draft: for a JPEG file, a shorter side in pixels that is enough: a larger image is decoded at a half, a quarter
            or an eighth, which is several times faster and gives slightly other pixels.

    Raises:
        InputError: the file is missing or damaged, or of 32-bit integers or floats, whose range it does not say.
    """
    return _decoded(path, str(path), draft)


def decode_rgb(content: bytes, where: str) -> Image.Image:
    """Return what `open_rgb` does of an image file that is in memory.

    Args:
        content: the file's bytes.
        where: what it is called in a message.

    Raises:
        InputError: as `open_rgb`.
    """
    return _decoded(BytesIO(content), where, None)


def _decoded(file: Path | BytesIO, where: str, draft: int | None) -> Image.Image:
    try:
        with Image.open(file) as opened:
            if draft is not None:
                opened.draft("RGB", (draft, draft))
            opened.load()
            if opened.mode.startswith(_DEEP):
                return _eight_bits(opened, where)
            # Pillow would warn of a palette's transparency, which goes in any case.
            opened.info.pop("transparency", None)
            return opened.convert("RGB")
    except InputError:
        raise
    except FileNotFoundError as error:
        raise InputError(f"{where}: no such image") from error
    except (OSError, UnidentifiedImageError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        # Pillow names what it was given, which of bytes is an address in memory.
        reason = (
            "cannot identify image"
            if isinstance(error, UnidentifiedImageError) and where != str(file)
            else (" ".join(str(error).split()) or type(error).__name__)
        )
        raise InputError(f"{where}: damaged, or no image ({reason}): fetch it again or remove it") from error


def is_deep(content: bytes) -> bool:
    """Return whether a file's pixels are of the modes that `open_rgb` does not leave to Pillow.

    Args:
        content: the file's bytes; a damaged file is not deep.
    """
    if content[:2] in (b"\xff\xd8", b"BM", b"RI"):  # JPEG, BMP, WebP: never
        return False
    if content[:4] == b"\x89PNG":
        return content[24:26] == b"\x10\x00"  # 16 bits, grey
    try:
        with Image.open(BytesIO(content)) as opened:
            return opened.mode.startswith(_DEEP)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return False


def _eight_bits(image: Image.Image, where: str) -> Image.Image:
    """Return grey of more than eight bits as RGB."""
    white = _white(image)
    values = np.asarray(image)
    if white is None:
        kind = "floats" if image.mode == "F" else "integers"
        raise InputError(
            f"{where}: expected pixels of 8 or 16 bits, got {kind} from {values.min():g} to {values.max():g}, and the "
            "file does not say which of them are black and white: save it with 8 bits a channel, black 0 and white 255"
        )
    scaled = (values.astype(np.int64) * 255 + white // 2) // white
    if isinstance(image, TiffImagePlugin.TiffImageFile) and image.tag_v2.get(_PHOTOMETRIC) == 0:
        scaled = 255 - scaled  # white is stored as 0, which Pillow minds with eight bits only
    return Image.fromarray(scaled.astype(np.uint8)).convert("RGB")


def _white(image: Image.Image) -> int | None:
    """Return the value of white in an image of more than eight bits, None where the file does not say it."""
    if isinstance(image, TiffImagePlugin.TiffImageFile):
        # Mode I is 32 bits, or 16 with a sign.
        return 2 ** int(image.tag_v2[_BITS_PER_SAMPLE][0]) - 1 if image.mode.startswith("I;16") else None
    # Older versions of Pillow give PNG's 16 bits as mode I; a PGM's are scaled to 65535 whatever its own maximum.
    return 65535 if image.format in ("PNG", "PPM") and image.mode.startswith("I") else None


def size_of(path: Path) -> tuple[int, int] | None:
    """Return a picture's width and height, in pixels, without decoding it; None where it is none."""
    try:
        with Image.open(path) as picture:
            return picture.size
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None
