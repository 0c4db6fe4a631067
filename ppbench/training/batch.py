"""What a training step is given."""

from typing import NamedTuple

from torch import Tensor


class Batch(NamedTuple):
    """Images of one step, or of one process's share of it.

    Attributes:
        ids: (n,) int64, each image's index in the training set: what augmentation draws refer to;
            always on the CPU, where the draws are made without waiting for the device.
        views: (V, n, 3, H, W) uint8: V is 3 (clean and two augmented views) where views are made image by image and
            compared with each other, otherwise 1.
        labels: (n,) int64.
    """

    ids: Tensor
    views: Tensor
    labels: Tensor
