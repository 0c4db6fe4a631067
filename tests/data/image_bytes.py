"""Image files that no library writes, byte by byte: deep PNGs, TIFFs with the tags that are wanted."""

import struct
import zlib
from typing import Any

from numpy.typing import NDArray


def png16(values: NDArray[Any]) -> bytes:
    """Return a PNG of 16 bits a channel; values are (H, W) grey or (H, W, C), C being 2 (LA), 3 (RGB) or 4 (RGBA)."""
    height, width = values.shape[:2]
    channels = 1 if values.ndim == 2 else values.shape[2]
    colour = {1: 0, 2: 4, 3: 2, 4: 6}[channels]
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    header = struct.pack(">IIBBBBB", width, height, 16, colour, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + _chunk(b"IHDR", header)
        + _chunk(b"IDAT", zlib.compress(rows))
        + _chunk(b"IEND", b"")
    )


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def tiff(
    data: bytes,
    size: tuple[int, int],
    bits: int,
    *,
    white_is_zero: bool = False,
    kind: int = 1,
    order: str = "<",
) -> bytes:
    """Return an uncompressed grey TIFF.

    Args:
        data: the pixels, packed.
        size: width and height.
        bits: of a pixel.
        white_is_zero: the photometric interpretation; otherwise black is 0.
        kind: the sample format: 1 unsigned, 2 signed, 3 floats.
        order: of the bytes, ``"<"`` or ``">"``.
    """
    width, height = size
    short, long = 3, 4
    entries = [
        (256, short, width),
        (257, short, height),
        (258, short, bits),
        (259, short, 1),
        (262, short, 0 if white_is_zero else 1),
        (273, long, 8),
        (277, short, 1),
        (278, short, height),
        (279, long, len(data)),
        (339, short, kind),
    ]
    made = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(f"{order}I", 8 + len(data)) + data
    made += struct.pack(f"{order}H", len(entries))
    for tag, form, value in entries:
        packed = struct.pack(f"{order}HH", value, 0) if form == short else struct.pack(f"{order}I", value)
        made += struct.pack(f"{order}HHI", tag, form, 1) + packed
    return made + struct.pack(f"{order}I", 0)
