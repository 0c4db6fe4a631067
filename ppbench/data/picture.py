"""A single picture of the user's."""

from pathlib import Path

import numpy as np
from PIL import Image

from ppbench.data.image_set import Pixels
from ppbench.errors import InputError


def read_picture(path: Path) -> Pixels:
    """Return a picture as (H, W, 3) uint8 RGB.

    Raises:
        InputError: the file is missing or no picture.
    """
    try:
        with Image.open(path) as picture:
            return np.array(picture.convert("RGB"))
    except FileNotFoundError:
        raise InputError(f"expected a picture {str(path)!r}, got no such file") from None
    except (OSError, ValueError, Image.DecompressionBombError) as error:
        raise InputError(
            f"{path}: expected a picture (PNG, JPEG, …), got a damaged or other file ({error})"
        ) from None
