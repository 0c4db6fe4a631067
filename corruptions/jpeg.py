"""JPEG: the loss of encoding at a quality, 4:2:0, and decoding again, as Pillow does it."""

from io import BytesIO

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from corruptions.registry import Constants, Corruption, Fields


def _apply(images: Tensor, constants: Constants, fields: Fields) -> Tensor:  # noqa: ARG001 - one signature
    return by_pillow(images, int(constants["quality"]))


def by_pillow(images: Tensor, quality: int) -> Tensor:
    """Return uint8 (N,3,H,W) after one round trip through Pillow's encoder and decoder."""
    pixels = images.permute(0, 2, 3, 1).cpu().contiguous().numpy()
    out = np.empty_like(pixels)
    for source, target in zip(pixels, out, strict=True):
        stored = BytesIO()
        Image.fromarray(source).save(stored, "JPEG", quality=quality)
        target[:] = np.asarray(Image.open(stored))
    return torch.from_numpy(out).permute(0, 3, 1, 2).contiguous().to(images.device)


JPEG_COMPRESSION = Corruption("jpeg_compression", "digital", version=1, apply=_apply)
