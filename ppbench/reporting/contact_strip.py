"""A few images side by side, as a network sees them: in half blocks for a terminal, or as a picture."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont
from rich.text import Text

Pixels = npt.NDArray[np.uint8]

COLUMNS = 15
"""Of the terminal for each image: five of them and the gaps between fill 80."""

ROWS = 8
"""Of the terminal; each shows two rows of pixels."""

TILE = 128
GAP = 6
LINE = 18
_UPPER_HALF = "\N{UPPER HALF BLOCK}"
_INK, _PAPER, _WRONG = (30, 30, 30), (255, 255, 255), (190, 30, 30)


def in_half_blocks(images: Pixels) -> list[Text]:
    """Return lines of a terminal that show images side by side, in 24-bit colour.

    Args:
        images: (k, h, w, 3) uint8.
    """
    small = [
        np.asarray(Image.fromarray(image).resize((COLUMNS, 2 * ROWS), Image.Resampling.BOX))
        for image in images
    ]
    lines = []
    for row in range(0, 2 * ROWS, 2):
        line = Text(no_wrap=True)
        for place, image in enumerate(small):
            line.append(" " if place else "")
            for upper, lower in zip(image[row], image[row + 1], strict=True):
                line.append(_UPPER_HALF, f"{_colour(upper)} on {_colour(lower)}")
        lines.append(line)
    return lines


def picture(images: Pixels, labels: Sequence[str], predictions: Sequence[str]) -> Image.Image:
    """Return images side by side, with their labels and what a network took them for below.

    Args:
        images: (k, h, w, 3) uint8.
        labels: the names of their classes.
        predictions: of those that were predicted.
    """
    strip = Image.new("RGB", (len(images) * (TILE + GAP) - GAP, TILE + GAP + 2 * LINE), _PAPER)
    draw, font = ImageDraw.Draw(strip), ImageFont.load_default(13)
    for place, (image, label, said) in enumerate(zip(images, labels, predictions, strict=True)):
        left = place * (TILE + GAP)
        tile = Image.fromarray(image)
        # Small images in whole pixels, so that nothing is smoothed away.
        enlarge = TILE // max(tile.size)
        how = Image.Resampling.NEAREST if enlarge > 1 else Image.Resampling.LANCZOS
        scale = enlarge if enlarge > 1 else TILE / max(tile.size)
        strip.paste(tile.resize((round(tile.width * scale), round(tile.height * scale)), how), (left, 0))
        for line, (text, ink) in enumerate(((label, _INK), (said, _INK if said == label else _WRONG))):
            draw.text((left, TILE + GAP + line * LINE), text[:18], fill=ink, font=font)
    return strip


def _colour(pixel: Pixels) -> str:
    return "#{:02x}{:02x}{:02x}".format(*map(int, pixel))
