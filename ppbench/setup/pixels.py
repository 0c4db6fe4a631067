"""Are images and labels what they should be: values up to 255, no JPEG where there was none, labels from 0?"""

import numpy as np

from ppbench.data.image_set import Labels, Pixels
from ppbench.setup.finding import Finding

IMAGES = "images"

BLOCK = 8
"""Side of JPEG's blocks."""

_GRID = ((256, 1.06), (64, 1.12))
"""Of so many images or more, the ratio of `grid` above which they have been JPEG.

Samples of 128 of CIFAR-10's test images lie in 0.96..1.03 and of the digits in 0.97..1.04, the same at JPEG quality 75
in 1.06..1.13, and the spread halves with four times as many images.
"""


def judge(images: Pixels, labels: Labels, num_classes: int, *, never_jpeg: bool, in_colour: bool) -> Finding:
    """Look at images and labels by themselves.

    Args:
        images: a sample, (n, H, W, 3) uint8.
        labels: all labels of the set, (N,).
        num_classes: of the set.
        never_jpeg: whether the set's images are stored without loss, at their own size.
        in_colour: whether the set is known to be in colour.
    """
    largest = int(images.max())
    if largest <= 1:
        text = f"no value of {len(images)} images is above {largest}"
        return Finding(
            IMAGES, "wrong", text, "were images in 0..1 stored as uint8? multiply them by 255 first"
        )
    if not np.any(images.reshape(len(images), -1).min(axis=1) < images.reshape(len(images), -1).max(axis=1)):
        return Finding(IMAGES, "wrong", "each image has one colour only", "were they read right?")
    if len(images) > 1 and (images == images[0]).all():
        return Finding(IMAGES, "wrong", f"{len(images)} images are all the same", "were they read right?")
    there = np.unique(labels)
    if len(there) == num_classes - 1 and there[0] == 1:
        text = f"the labels are 1 to {there[-1]} of {num_classes} classes, none is 0"
        return Finding(IMAGES, "notice", text, "do they begin at 1? ppbench counts from 0")
    if never_jpeg and (ratio := grid(images)) > _limit(len(images)):
        text = f"edges at every {BLOCK}th pixel are {ratio:.2f} times as strong as beside it"
        advice = "traces of JPEG or of resizing, which this set does not have: take its original files"
        return Finding(IMAGES, "notice", text, advice)
    grey = bool((images == images[..., :1]).all())
    if grey and in_colour:
        return Finding(
            IMAGES, "notice", "all images are grey", "this set is in colour: take its original files"
        )
    height, width = images.shape[1:3]
    kind = "grey in three equal channels" if grey else "in colour"
    classes = f"{len(there)} of {num_classes} classes"
    values = f"values {int(images.min())}..{largest}"
    return Finding(IMAGES, "ok", f"{height}x{width} pixels {kind}, {values}, {classes}")


def grid(images: Pixels) -> float:
    """Return how strong edges between JPEG's blocks are, over those one pixel beside them; 1 where nothing was JPEG.

    Args:
        images: (n, H, W, 3) uint8.
    """
    at, beside = 0.0, 0.0
    for axis in (1, 2):
        edges = np.abs(np.diff(images.astype(np.int16), axis=axis))
        strength = edges.mean(axis=tuple(other for other in range(4) if other != axis))
        between = np.arange(BLOCK - 1, len(strength) - 1, BLOCK)
        at += float(strength[between].mean()) if len(between) else 0.0
        beside += float(strength[np.concatenate([between - 1, between + 1])].mean()) if len(between) else 0.0
    return at / beside if beside > 0 else 1.0


def _limit(count: int) -> float:
    return next((limit for images, limit in _GRID if count >= images), np.inf)
