"""Which corruptions there are and in which order: the 15 of the benchmark and the 4 extra ones. Known without torch."""

from collections.abc import Mapping
from typing import Final, Literal, get_args

GROUPS: Final[Mapping[str, str]] = {
    "gaussian_noise": "noise",
    "shot_noise": "noise",
    "impulse_noise": "noise",
    "defocus_blur": "blur",
    "glass_blur": "blur",
    "motion_blur": "blur",
    "zoom_blur": "blur",
    "snow": "weather",
    "frost": "weather",
    "fog": "weather",
    "brightness": "weather",
    "contrast": "digital",
    "elastic_transform": "digital",
    "pixelate": "digital",
    "jpeg_compression": "digital",
    "speckle_noise": "extra",
    "gaussian_blur": "extra",
    "spatter": "extra",
    "saturate": "extra",
}
"""Every corruption's group, in the order of the benchmark's tables (Hendrycks & Dietterich 2019, Table 1)."""

NAMES: Final[tuple[str, ...]] = tuple(name for name, group in GROUPS.items() if group != "extra")
EXTRA_NAMES: Final[tuple[str, ...]] = tuple(name for name, group in GROUPS.items() if group == "extra")

SEVERITIES: Final[tuple[int, ...]] = (1, 2, 3, 4, 5)

PROTOCOL_SIZES: Final[Mapping[str, int]] = {"imagenet-c": 224, "tiny-imagenet-c": 64, "cifar-c": 32}
"""The protocols, and the height and width in pixels of their published images."""

Library = Literal["ijg9", "turbo"]
"""Whose JPEG: that of IJG's libjpeg 9 (9a to 9d), the authors' library, or of libjpeg-turbo."""

LIBRARIES: Final[tuple[Library, ...]] = get_args(Library)
