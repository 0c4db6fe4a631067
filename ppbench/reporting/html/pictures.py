"""Pixels as data URIs, small enough to stand in a page."""

import base64
import io

from PIL import Image

from ppbench.reporting.report_content import Pixels

_SMALL = 64
"""Images up to this side are kept pixel for pixel."""

_SIDE = 128
"""Larger ones are reduced to this side."""


def photo(pixels: Pixels) -> str:
    """Return an image (H, W, 3) uint8 as a data URI: a PNG where it is small, a reduced JPEG where it is not."""
    picture = Image.fromarray(pixels)
    if max(picture.size) <= _SMALL:
        return png(pixels)
    picture.thumbnail((_SIDE, _SIDE), Image.Resampling.LANCZOS)
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=85, optimize=True)
    return _uri("jpeg", out.getvalue())


def png(pixels: Pixels) -> str:
    """Return pixels (H, W, 3 or 4) uint8 as a PNG in a data URI."""
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "PNG", optimize=True)
    return _uri("png", out.getvalue())


def _uri(kind: str, data: bytes) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(data).decode('ascii')}"
