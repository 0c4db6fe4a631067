"""The figures of docs/augmentations.md: `python -m benchmarks.augmentation_figures [FOLDER]`, docs by default.

Some CIFAR-10 test images, from the folder that $PPBENCH_TEST_DATA names, with several draws of PRIME, of each of its
primitives, and of AugMix.
"""

import os
import sys
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from ppbench.training.augmentations import draws
from ppbench.training.augmentations.augmix import AugMix
from ppbench.training.augmentations.prime import Prime, PrimeConfig, applied

ROWS = (1, 3, 4, 6, 8, 12)  # a ship, an aeroplane, frogs, cars, a cat, a dog
SCALE = 3
GAP = 3
HEAD = 22
INK = (30, 30, 30)
PAPER = (255, 255, 255)

Column = tuple[str, Tensor]


def prime_columns(images: Tensor) -> list[Column]:
    """Return the images, two draws of each primitive by itself and four of PRIME, each uint8 (N,3,H,W)."""
    ids, scaled = torch.arange(len(images)), images.float().div_(255.0)
    columns = [("image", images)]
    cifar = PrimeConfig.cifar()
    for name in ("spectral", "colour", "spatial"):
        for step in (1, 2):
            shared, own = draws.for_batch(step, name), draws.for_images(step, name, ids, scaled.device)
            columns.append((name, _levels(applied(name, scaled, cifar, shared, own))))
    columns += [("PRIME", _levels(Prime(cifar)(scaled, seed=0, step=step, ids=ids))) for step in range(4)]
    return columns


def augmix_columns(images: Tensor) -> list[Column]:
    """Return the images and ten draws of AugMix, each uint8 (N,3,H,W)."""
    ids, augment = torch.arange(len(images)), AugMix()
    return [("image", images)] + [
        ("AugMix", augment(images, seed=0, epoch=epoch, ids=ids)) for epoch in range(10)
    ]


def sheet(columns: list[Column]) -> Image.Image:
    """Return the images side by side, enlarged, under their columns' names."""
    count, _, side, _ = columns[0][1].shape
    tile = SCALE * side
    whole = Image.new("RGB", (len(columns) * (tile + GAP) - GAP, HEAD + count * (tile + GAP) - GAP), PAPER)
    draw, font = ImageDraw.Draw(whole), ImageFont.load_default(13)
    for number, (title, images) in enumerate(columns):
        left = number * (tile + GAP)
        draw.text((left + tile / 2, HEAD / 2), title, fill=INK, font=font, anchor="mm")
        for row, image in enumerate(images):
            small = Image.fromarray(image.permute(1, 2, 0).numpy())
            whole.paste(
                small.resize((tile, tile), Image.Resampling.NEAREST), (left, HEAD + row * (tile + GAP))
            )
    return whole


def _levels(scaled: Tensor) -> Tensor:
    return scaled.mul(255.0).round_().to(torch.uint8)


def main() -> None:
    """Write both figures."""
    data = os.environ.get("PPBENCH_TEST_DATA")
    if not data:
        sys.exit("set PPBENCH_TEST_DATA to the folder that holds cifar10/test-first1000.npz")
    with np.load(Path(data) / "cifar10" / "test-first1000.npz") as file:
        images = torch.from_numpy(file["images"][list(ROWS)]).permute(0, 3, 1, 2).contiguous()
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "docs")
    for name, columns in (("prime", prime_columns(images)), ("augmix", augmix_columns(images))):
        path = folder / f"augmentations-{name}.png"
        sheet(columns).save(path, optimize=True)
        print(f"{path}: {path.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
