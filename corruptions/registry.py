"""The corruptions that ship, by name."""

from corruptions import (
    colour,
    defocus_blur,
    elastic_transform,
    fog,
    frost,
    gaussian_blur,
    glass_blur,
    jpeg,
    motion_blur,
    noise,
    pixelate,
    snow,
    spatter,
    zoom_blur,
)
from corruptions.definition import Corruption
from corruptions.errors import unknown
from corruptions.names import Library

CORRUPTIONS: tuple[Corruption, ...] = (
    noise.GAUSSIAN_NOISE,
    noise.SHOT_NOISE,
    noise.IMPULSE_NOISE,
    defocus_blur.DEFOCUS_BLUR,
    glass_blur.GLASS_BLUR,
    motion_blur.MOTION_BLUR,
    zoom_blur.ZOOM_BLUR,
    snow.SNOW,
    frost.FROST,
    fog.FOG,
    colour.BRIGHTNESS,
    colour.CONTRAST,
    elastic_transform.ELASTIC_TRANSFORM,
    pixelate.PIXELATE,
    jpeg.JPEG_COMPRESSION,
    noise.SPECKLE_NOISE,
    gaussian_blur.GAUSSIAN_BLUR,
    spatter.SPATTER,
    colour.SATURATE,
)

_BY_NAME = {each.name: each for each in CORRUPTIONS}


def corruption(name: str, jpeg_codec: Library = "ijg9") -> Corruption:
    """Return the corruption of that name.

    Args:
        name: of the corruption.
        jpeg_codec: whose JPEG jpeg_compression is: IJG's libjpeg 9 as in the published files, or libjpeg-turbo.

    Raises:
        CorruptionError: there is none, or no such codec; the near miss is suggested.
    """
    by_codec = jpeg.jpeg_compression(
        jpeg_codec
    )  # before the name, so that a mistake shows with any corruption
    if name == by_codec.name:
        return by_codec
    if name not in _BY_NAME:
        raise unknown("corruption", name, _BY_NAME)
    return _BY_NAME[name]
