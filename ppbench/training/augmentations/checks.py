"""What an augmentation is given: batches of images of the right kind, and an id for each."""

import torch
from torch import Tensor

from ppbench.errors import InputError


def check_levels(images: Tensor, ids: Tensor) -> None:
    """Check that images are uint8 (N,3,H,W) with one id each.

    Raises:
        InputError: they are not.
    """
    if images.dtype != torch.uint8 or images.ndim != 4 or images.shape[1] != 3:
        raise InputError(f"expected images to be uint8 (N,3,H,W), got {_kind(images)}")
    _check_ids(images, ids)


def check_scaled(images: Tensor, ids: Tensor) -> None:
    """Check that images are float32 (N,C,H,H), square, with one id each.

    Raises:
        InputError: they are not.
    """
    if images.dtype != torch.float32 or images.ndim != 4 or images.shape[2] != images.shape[3]:
        raise InputError(f"expected images to be square, float32 (N,C,H,H), got {_kind(images)}")
    _check_ids(images, ids)


def _check_ids(images: Tensor, ids: Tensor) -> None:
    if ids.shape != images.shape[:1]:
        raise InputError(f"expected one id for each of {len(images)} images, got ids {tuple(ids.shape)}")


def _kind(images: Tensor) -> str:
    return f"{str(images.dtype).removeprefix('torch.')} {tuple(images.shape)}"
