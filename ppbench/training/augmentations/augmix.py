"""AugMix in batches (Hendrycks et al., ICLR 2020), as in the authors' scripts: the operations are Pillow's.

Its frame (chains of random depth, each image's own, and the weighted mean of them) and its consistency loss (three
views should be answered alike) are PRIME's, too.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from corruptions.random import Random
from ppbench.errors import InputError
from ppbench.training.augmentations import draws
from ppbench.training.augmentations.checks import check_levels
from ppbench.training.augmentations.operations import (
    autocontrast,
    equalize,
    looked_up,
    posterize,
    rotation,
    solarize,
    transformed,
)


def jsd_loss(clean_logits: Tensor, logits_1: Tensor, logits_2: Tensor, weight: float = 12.0) -> Tensor:
    """Return weight times the Jensen-Shannon divergence of the answers to three views, in nats, mean over images.

    (KL(p‖m) + KL(p₁‖m) + KL(p₂‖m)) / 3 with m the mean of the three, clamped to [1e-7, 1] as the originals do. It is to
    be added to the cross-entropy of the clean logits.

    Args:
        clean_logits: (N,classes), of the images themselves.
        logits_1: (N,classes), of an augmented view.
        logits_2: (N,classes), of another.
        weight: 12 in both originals.

    Returns:
        A scalar, float32 (float64 for float64 logits): half precision is too coarse for the logarithms.
    """
    logits = torch.stack([clean_logits, logits_1, logits_2])
    if logits.dtype in (torch.float16, torch.bfloat16):
        logits = logits.float()
    log_p = logits.log_softmax(-1)
    log_mean = log_p.exp().mean(0).clamp(1e-7, 1.0).log()
    divergence = F.kl_div(log_mean.expand_as(log_p), log_p, reduction="sum", log_target=True)
    return divergence * (weight / 3.0 / len(clean_logits))


_CPU = torch.device("cpu")
_DEEPEST = 3


@dataclass(frozen=True)
class Chains:
    """The chains of a batch: which there are, and how deep.

    Attributes:
        ids: int64 (N · width), on the CPU: a chain's own, from its image's and its number; image by image.
        depth: int64 (N · width), on the CPU: operations of each.
        random: the numbers of each chain, on the CPU: what decides who goes where is needed there.
    """

    ids: Tensor
    depth: Tensor
    random: Random

    @property
    def deepest(self) -> int:
        """The greatest depth; 0 without images."""
        return int(self.depth.max()) if len(self.depth) else 0


def draw_chains(seed: int, name: str, ids: Tensor, *, width: int, depth: int) -> Chains:
    """Draw the chains of a batch.

    Args:
        seed: of the run.
        name: says of what, and at which step.
        ids: int64 (N), of the images.
        width: chains an image.
        depth: of each; -1 draws 1, 2 or 3 for each by itself.
    """
    chain_ids = (ids.cpu()[:, None] * width + torch.arange(width)).flatten()
    random = draws.for_images(seed, f"{name}/chains", chain_ids, _CPU)
    least, most = (1, _DEEPEST) if depth == -1 else (depth, depth)
    return Chains(chain_ids, random.integers("depth", low=least, high=most + 1), random)


def draw_weights(
    seed: int, name: str, ids: Tensor, *, width: int, device: torch.device
) -> tuple[Tensor, Tensor]:
    """Draw float32 weights (N,width) of the chains, Dirichlet(1, …, 1), and the share (N) of them all, Beta(1, 1)."""
    random = draws.for_images(seed, f"{name}/weights", ids, device)
    return draws.dirichlet(random, "weights", width), random.uniform("share")


def mixed(images: Tensor, chains: Tensor, weights: Tensor, share: Tensor) -> Tensor:
    """Return (1 - share) · image + share · Σ weight · chain, float32 (N,C,H,W).

    Normalising for the network is affine and the weights sum to 1: mixing before it or, as the originals do, after it
    is the same.

    Args:
        images: (N,C,H,W), any dtype.
        chains: (N · width,C,H,W) of the same dtype, the augmented copies, image by image.
        weights: float32 (N,width), of sum 1.
        share: float32 (N), of the augmented copies, in [0, 1].
    """
    n, width = weights.shape
    copies = chains.view(n, width, *images.shape[1:]).float()
    by_copy = (weights * share[:, None]).view(n, width, 1, 1, 1)
    mean = images.float() * (1.0 - share).view(n, 1, 1, 1)
    # One after the other, not as a matrix product, whose order of summation may depend on the size of the batch.
    for k in range(width):
        mean.addcmul_(copies[:, k], by_copy[:, k])
    return mean


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
