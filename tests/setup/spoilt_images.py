"""Images as people spoil them by storing them otherwise."""

import io

import numpy as np
from PIL import Image

from ppbench.data.image_set import Pixels


def through_jpeg(images: Pixels, quality: int) -> Pixels:
    """Return images (n, h, w, 3) after storing each as JPEG."""
    made = []
    for image in images:
        file = io.BytesIO()
        Image.fromarray(image).save(file, "JPEG", quality=quality)
        made.append(np.asarray(Image.open(file)))
    return np.stack(made)


def resized_and_back(images: Pixels, side: int) -> Pixels:
    """Return images (n, 32, 32, 3) after resizing each to a side and back, bilinearly."""
    how = Image.Resampling.BILINEAR
    return np.stack(
        [
            np.asarray(Image.fromarray(image).resize((side, side), how).resize((32, 32), how))
            for image in images
        ]
    )
