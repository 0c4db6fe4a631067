"""AugMix (Hendrycks et al., ICLR 2020) in batches, as in the authors' scripts: the operations are Pillow's."""

import torch
from torch import Tensor

from ppbench.errors import InputError
from ppbench.training.augmentations.affine_operations import rotation, transformed
from ppbench.training.augmentations.chains import draw_chains, draw_weights, mixed
from ppbench.training.augmentations.checks import check_levels
from ppbench.training.augmentations.level_operations import (
    autocontrast,
    equalize,
    looked_up,
    posterize,
    solarize,
)

# The authors' list, without colour, contrast, brightness and sharpness, which overlap the benchmark's corruptions.
OPERATIONS = (
    "autocontrast",
    "equalize",
    "posterize",
    "solarize",
    "rotate",
    "shear_x",
    "shear_y",
    "translate_x",
    "translate_y",
)
_LEVELS = OPERATIONS[:4]


class AugMix:
    """The weighted mean of an image and of chains of simple operations on it.

    A magnitude is that of the authors' scripts: its operation's greatest (30°, a shear of 0.3, a third of the image, 4
    bits, 256 levels) times a tenth of a number that is uniform from 0.1 to the severity; whole numbers are truncated.
    The images of a chain are uint8 after each operation, as Pillow's are. The mean is that of the authors, but rounded
    to uint8, by half a level at most.
    """

    def __init__(self, *, severity: float = 3.0, width: int = 3, depth: int = -1) -> None:
        """Make one.

        Args:
            severity: strength of the operations, above 0.1 and up to 10; 3 in the authors' script for CIFAR, and 1 in
                that for ImageNet.
            width: number of chains.
            depth: operations a chain; -1 draws 1, 2 or 3 for each.

        Raises:
            InputError: a number out of its range.
        """
        if not 0.1 < severity <= 10.0 or width < 1 or (depth < 1 and depth != -1):
            raise InputError(
                "expected AugMix to have a severity above 0.1 and up to 10, a width of at least 1, and a depth of at "
                f"least 1 or -1, got {severity}, {width} and {depth}"
            )
        self.severity = severity
        self.width = width
        self.depth = depth

    @torch.no_grad()
    def __call__(self, images: Tensor, *, seed: int, epoch: int, ids: Tensor, view: int = 0) -> Tensor:
        """Return one mixed view of each image.

        Args:
            images: uint8 (N,3,H,W), on any device.
            seed: of the run.
            epoch: of the training, in which an image comes once: each has its own draws.
            ids: int64 (N), one for each image; on the CPU they spare a wait for the device.
            view: several views of an image are independent.

        Returns:
            uint8 (N,3,H,W), on the same device. An image's view depends on its own pixels and id, and on seed, epoch
            and view, not on the rest of the batch.

        Raises:
            InputError: images that are not uint8 (N,3,H,W), or not one id for each.
        """
        check_levels(images, ids)
        name = f"augmix/{epoch}/{view}"
        chains = draw_chains(seed, name, ids, width=self.width, depth=self.depth)
        copies = images.repeat_interleave(self.width, dim=0)
        for at in range(chains.deepest):
            operation = chains.random.integers(f"operation {at}", low=0, high=len(OPERATIONS))
            level = chains.random.uniform(f"level {at}", low=0.1, high=self.severity).double()
            sign = 1 - 2 * chains.random.integers(f"sign {at}", low=0, high=2)
            # Operations of a kind go together: tables for levels, matrices for places.
            for apply, wanted in (
                (_on_levels, operation < len(_LEVELS)),
                (_on_places, operation >= len(_LEVELS)),
            ):
                rows = ((chains.depth > at) & wanted).nonzero().flatten()
                if len(rows):
                    here = rows.to(images.device)
                    drawn = (one[rows].to(images.device) for one in (operation, level, sign))
                    copies[here] = apply(copies[here], *drawn)
        weights, share = draw_weights(seed, name, ids, width=self.width, device=images.device)
        return mixed(images, copies, weights, share).round_().to(torch.uint8)


def _on_levels(images: Tensor, operation: Tensor, level: Tensor, _sign: Tensor) -> Tensor:
    tables = torch.empty(*images.shape[:2], 256, dtype=torch.uint8, device=images.device)
    for number, name in enumerate(_LEVELS):
        rows = (operation == number).nonzero().flatten()
        if name == "autocontrast":
            tables[rows] = autocontrast(images[rows])
        elif name == "equalize":
            tables[rows] = equalize(images[rows])
        elif name == "posterize":
            tables[rows] = posterize((4 - (level[rows] * 0.4).long()).clamp(min=1))
        else:
            tables[rows] = solarize(256 - (level[rows] * 25.6).long())
    return looked_up(images, tables)


def _on_places(images: Tensor, operation: Tensor, level: Tensor, sign: Tensor) -> Tensor:
    height, width = images.shape[2:]
    matrices = torch.eye(2, 3, dtype=torch.float64, device=images.device).repeat(len(images), 1, 1)
    for name, row, column, value in (
        ("shear_x", 0, 1, level * 0.03),
        ("shear_y", 1, 0, level * 0.03),
        ("translate_x", 0, 2, (level * (width / 30.0)).trunc()),
        ("translate_y", 1, 2, (level * (height / 30.0)).trunc()),
    ):
        matrices[:, row, column] = torch.where(
            operation == OPERATIONS.index(name), sign * value, matrices[:, row, column]
        )
    turned = rotation(sign * (level * 3.0).trunc(), height, width)
    is_rotation = (operation == OPERATIONS.index("rotate"))[:, None, None]
    return transformed(images, torch.where(is_rotation, turned, matrices))
