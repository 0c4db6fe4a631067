"""JPEG: the loss of encoding at a quality, 4:2:0, and decoding again, as the authors' libraries did it.

The authors' Pillow of 2018 was linked with IJG's libjpeg 9: jpeg_compression is its loss both ways, which the
published sum of CIFAR-10-C's file proves. The files of ImageNet-C and Tiny-ImageNet-C were most likely encoded by it,
too (the same authors in the same months; no sum proves it), and are decoded by libjpeg-turbo wherever they are read
today.
"""

from io import BytesIO
from typing import Literal, get_args, overload

import numpy as np
import torch
from PIL import Image, features
from torch import Tensor

from corruptions import jpeg_codec
from corruptions.batches import Pixels, in_chunks
from corruptions.definition import Constants, Corruption, Fields
from corruptions.errors import CorruptionError, unknown
from corruptions.names import LIBRARIES, Library

Codec = Literal["ijg9", "published", "turbo"]
"""Who encodes and decodes: IJG's libjpeg 9 both; it and libjpeg-turbo, as of a published file; the latter both."""

_LIBRARIES: dict[Codec, tuple[Library, Library]] = {
    "ijg9": ("ijg9", "ijg9"),
    "published": ("ijg9", "turbo"),
    "turbo": ("turbo", "turbo"),
}

STORAGE: dict[Library, Codec] = {"ijg9": "published", "turbo": "turbo"}
"""By whose library wrote it: the loss of a file that is read today, which is libjpeg-turbo's part."""

# On the CPU Pillow's compiled libjpeg-turbo overtakes our arithmetic from about this many pixels on.
_PILLOW_PIXELS = 32 * 32


@overload
def jpeg_round_trip(images: Tensor, quality: int = ..., *, codec: Codec = ...) -> Tensor: ...
@overload
def jpeg_round_trip(images: Pixels, quality: int = ..., *, codec: Codec = ...) -> Pixels: ...
def jpeg_round_trip(
    images: Tensor | Pixels, quality: int = 85, *, codec: Codec = "published"
) -> Tensor | Pixels:
    """Return the images as they are after being stored as JPEG, 4:2:0, and read again.

    The published ImageNet-C and Tiny-ImageNet-C files have had this at quality 85, after the corruption. The pixels
    equal those of the libraries that the codec names, on every device, for any height and width.

    Args:
        images: uint8 RGB, a torch tensor (N,3,H,W) on any device or a NumPy array (N,H,W,3); N may be 0.
        quality: 1 to 100.
        codec: who encodes and who decodes.

    Returns:
        The images: same kind, shape, dtype and device; the input is not changed.

    Raises:
        CorruptionError: another quality or codec, or images of another kind.
    """
    if isinstance(quality, bool) or not isinstance(quality, int) or not 1 <= quality <= 100:
        raise CorruptionError(f"expected a JPEG quality of 1 to 100, got {quality!r}")
    if codec not in _LIBRARIES:
        raise unknown("JPEG codec", codec, get_args(Codec))
    with torch.no_grad():
        return in_chunks(images, lambda chunk, _: lossy(chunk, quality, codec), any_layout=True)


def lossy(images: Tensor, quality: int, codec: Codec) -> Tensor:
    """Return uint8 (N,3,H,W) after a round trip; that of libjpeg-turbo by whichever of two equal ways is faster."""
    large = images.shape[2] * images.shape[3] > _PILLOW_PIXELS
    # A Pillow of one's own system may be linked with another library.
    if codec == "turbo" and large and images.device.type == "cpu" and features.check_feature("libjpeg_turbo"):
        return by_pillow(images, quality)
    encoder, decoder = _LIBRARIES[codec]
    return jpeg_codec.lossy(images, quality, encoder=encoder, decoder=decoder)


def by_pillow(images: Tensor, quality: int) -> Tensor:
    """Return uint8 (N,3,H,W), on the CPU, in the same layout, after a round trip through Pillow's libjpeg-turbo."""
    planar = images.is_contiguous()
    # An image's parts are its planes or, of interleaved channels, itself: Pillow takes and gives either as it is.
    parts, rawmodes = (images, "RGB") if planar else (images.permute(0, 2, 3, 1)[:, None], ("RGB",))
    out = torch.empty(parts.shape, dtype=torch.uint8)
    size = (images.shape[3], images.shape[2])
    canvas = Image.new("RGB", size)
    for source, target in zip(parts.numpy(), out.numpy(), strict=True):
        if planar:
            canvas = Image.merge(
                "RGB", [Image.frombuffer("L", size, part, "raw", "L", 0, 1) for part in source]
            )
        else:
            canvas.frombytes(source[0])
        stored = BytesIO()
        canvas.save(stored, "JPEG", quality=quality)
        # The decoder that Image.open leads to, without its search for metadata and without an image of its own.
        canvas.frombytes(stored.getvalue(), "jpeg", ("RGB", ""))
        for part, rawmode in zip(target, rawmodes, strict=True):
            part.reshape(-1)[:] = np.frombuffer(canvas.tobytes("raw", rawmode), np.uint8)
    return out if planar else out[:, 0].permute(0, 3, 1, 2)


def _by_ijg9(images: Tensor, constants: Constants, fields: Fields) -> Tensor:  # noqa: ARG001 - one signature
    return lossy(images, int(constants["quality"]), "ijg9")


def _by_turbo(images: Tensor, constants: Constants, fields: Fields) -> Tensor:  # noqa: ARG001 - one signature
    return lossy(images, int(constants["quality"]), "turbo")


JPEG_COMPRESSION = Corruption("jpeg_compression", "digital", version=2, apply=_by_ijg9, any_layout=True)

# Its version was the first: until the second the corruption was libjpeg-turbo's.
_OF_TURBO = Corruption("jpeg_compression", "digital", version=1, apply=_by_turbo, any_layout=True)


def jpeg_compression(codec: Library) -> Corruption:
    """Return the corruption as a library makes it, which both encodes and decodes.

    Raises:
        CorruptionError: there is no such library; the near miss is suggested.
    """
    if codec not in LIBRARIES:
        raise unknown("JPEG codec", codec, LIBRARIES)
    return JPEG_COMPRESSION if codec == "ijg9" else _OF_TURBO
