"""A contact sheet: one image under every corruption at every severity, with labels."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

import corruptions
from corruptions.jpeg import STORAGE
from corruptions.names import Library
from ppbench.data.own_name import own_name

TILE = 112
GAP = 4
LABEL_WIDTH = 150
HEAD_HEIGHT = 26
INK = (30, 30, 30)
PAPER = (255, 255, 255)

Pixels = npt.NDArray[np.uint8]


def contact_sheet(
    image: Pixels,
    names: Sequence[str],
    severities: Sequence[int],
    *,
    protocol: str,
    image_id: int = 0,
    seed: int = 0,
    jpeg_codec: Library = "ijg9",
) -> Image.Image:
    """Return the sheet: corruptions down, severities across, the clean image in the first column.

    Args:
        image: (H, W, 3) uint8.
        names: the rows, as tables call the corruptions.
        severities: the columns behind the clean one.
        protocol: whose constants; those that are stored as JPEG are shown after the JPEG step.
        image_id: the id that the draws belong to.
        seed: the seed of the draws.
        jpeg_codec: whose JPEG.

    Raises:
        CorruptionError: the image is too small, or a corruption cannot be made here.
    """
    quality = corruptions.protocol(protocol).storage_quality
    columns = ["clean", *map(str, severities)]
    width = LABEL_WIDTH + len(columns) * (TILE + GAP)
    height = HEAD_HEIGHT + len(names) * (TILE + GAP)
    sheet = Image.new("RGB", (width, height), PAPER)
    draw = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(14)
    for column, title in enumerate(columns):
        draw.text((_left(column) + TILE / 2, HEAD_HEIGHT / 2), title, fill=INK, font=font, anchor="mm")
    for row, name in enumerate(names):
        top = HEAD_HEIGHT + row * (TILE + GAP)
        own = own_name(name)
        label = own if own == name else f"{own}\n(plug-in)"
        draw.text((LABEL_WIDTH - 8, top + TILE / 2), label, fill=INK, font=font, anchor="rm", align="right")
        sheet.paste(_tile(image), (_left(0), top))
        for column, severity in enumerate(severities, start=1):
            made = corruptions.corrupt(
                image[None],
                own,
                severity,
                protocol=protocol,
                ids=[image_id],
                seed=seed,
                jpeg_codec=jpeg_codec,
            )
            if quality is not None:
                made = corruptions.jpeg_round_trip(made, quality, codec=STORAGE[jpeg_codec])
            sheet.paste(_tile(made[0]), (_left(column), top))
    return sheet


def _left(column: int) -> int:
    return LABEL_WIDTH + column * (TILE + GAP)


def _tile(image: Pixels) -> Image.Image:
    """Return an image fitted into a square tile: small ones in whole pixels, so that nothing is smoothed away."""
    picture = Image.fromarray(image)
    enlarge = TILE // max(picture.size)
    if enlarge >= 1:
        picture = picture.resize(
            (picture.width * enlarge, picture.height * enlarge), Image.Resampling.NEAREST
        )
    else:
        picture.thumbnail((TILE, TILE), Image.Resampling.LANCZOS)
    tile = Image.new("RGB", (TILE, TILE), PAPER)
    tile.paste(picture, ((TILE - picture.width) // 2, (TILE - picture.height) // 2))
    return tile
