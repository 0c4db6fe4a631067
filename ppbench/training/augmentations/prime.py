"""PRIME: chains of random filters, colour curves and deformations, mixed (Modas et al., ECCV 2022)."""

from dataclasses import dataclass

import torch
from torch import Tensor

from corruptions.random import Random
from ppbench.errors import InputError, unknown
from ppbench.training.augmentations import draws
from ppbench.training.augmentations.chains import draw_chains, draw_weights, mixed
from ppbench.training.augmentations.checks import check_scaled
from ppbench.training.augmentations.colour import draw_amplitudes, recoloured
from ppbench.training.augmentations.spatial import deformed, draw_shift
from ppbench.training.augmentations.spectral import draw_kernels, filtered

PRIMITIVES = ("spatial", "colour", "spectral")


@dataclass(frozen=True)
class PrimeConfig:
    """PRIME's constants.

    Attributes:
        lowest_cut: fewest modes a direction of the deformation.
        highest_cut: most modes a direction.
        alpha: share of the temperature range of deformations that is used.
        frequencies: highest frequency of the colour curves.
        colour_temperature: highest variance of the curves' amplitudes.
        bandwidth: a curve has so many neighbouring frequencies at most; None for all from 1.
        sigma: highest standard deviation of the random filters.
        centred_impulse: the filters' impulse is in the middle. The original puts it into a corner, by rounding up
            half the size, and with it moves each filtered image by one pixel.
        width: number of chains.
        depth: primitives a chain; -1 draws 1, 2 or 3 for each chain.
        primitives: those that are used.

    Raises:
        InputError: an unknown primitive, none at all, or no chains.
    """

    lowest_cut: int = 2
    highest_cut: int = 100
    alpha: float = 1.0
    frequencies: int = 100
    colour_temperature: float = 0.01
    bandwidth: int | None = None
    sigma: float = 4.0
    centred_impulse: bool = False
    width: int = 3
    depth: int = -1
    primitives: tuple[str, ...] = PRIMITIVES

    def __post_init__(self) -> None:
        for name in self.primitives:
            if name not in PRIMITIVES:
                raise unknown("primitive", name, PRIMITIVES)
        if not self.primitives or self.width < 1 or (self.depth < 1 and self.depth != -1):
            raise InputError(
                "expected PRIME to have primitives, a width of at least 1, and a depth of at least 1 or -1, got "
                f"{self.primitives}, {self.width} and {self.depth}"
            )

    @classmethod
    def cifar(cls) -> "PrimeConfig":
        """Return the original's constants for CIFAR-10 and CIFAR-100."""
        return cls()

    @classmethod
    def imagenet(cls) -> "PrimeConfig":
        """Return the original's constants for ImageNet and its subsets."""
        return cls(highest_cut=500, frequencies=500, colour_temperature=0.05, bandwidth=20)


class Prime:
    """PRIME for batches, on the images' device.

    As in the original the strengths of a step (the highest frequency, the temperatures, sigma) and its deformation are
    drawn once for all images and chains; the filters, curves, depths, primitives and weights for each by itself.
    """

    def __init__(self, config: PrimeConfig) -> None:
        self.config = config

    @torch.no_grad()
    def __call__(self, images: Tensor, *, seed: int, step: int, ids: Tensor, view: int = 0) -> Tensor:
        """Return one mixed view of each image.

        Args:
            images: float32 (N,3,H,H) in [0, 1], not normalised, on any device.
            seed: of the run.
            step: of the training; each has its own draws.
            ids: int64 (N), one for each image; on the CPU they spare a wait for the device.
            view: several views of a step are independent.

        Returns:
            float32 (N,3,H,H) in [0, 1], on the same device. An image's view depends on its own pixels and id, and on
            seed, step and view, not on the rest of the batch.

        Raises:
            InputError: images of another kind or shape, or not one id for each.
        """
        check_scaled(images, ids)
        config = self.config
        name = f"prime/{step}/{view}"
        chains = draw_chains(seed, name, ids, width=config.width, depth=config.depth)
        copies = images.repeat_interleave(config.width, dim=0)
        for at in range(chains.deepest):
            choice = chains.random.integers(f"primitive {at}", low=0, high=len(config.primitives))
            for number, primitive in enumerate(config.primitives):
                # Only the images that want a primitive go through it; the original computes all and masks.
                rows = ((chains.depth > at) & (choice == number)).nonzero().flatten()
                if len(rows):
                    here = rows.to(images.device)
                    of = f"{name}/{at}/{primitive}"
                    shared = draws.for_batch(seed, of)
                    own = draws.for_images(seed, of, chains.ids[rows], images.device)
                    copies[here] = applied(primitive, copies[here], config, shared, own)
        weights, share = draw_weights(seed, name, ids, width=config.width, device=images.device)
        return mixed(images, copies, weights, share).clamp_(0.0, 1.0)  # but for rounding it is within


def applied(primitive: str, images: Tensor, config: PrimeConfig, shared: Random, own: Random) -> Tensor:
    """Return images, float32 (N,3,H,H) in [0, 1], after one primitive.

    Args:
        primitive: one of PRIMITIVES.
        images: float32 (N,3,H,H) in [0, 1].
        config: the strengths.
        shared: the numbers of the step.
        own: the numbers of each image.
    """
    if primitive == "spectral":
        return filtered(images, draw_kernels(shared, own, config.sigma, centred=config.centred_impulse))
    if primitive == "colour":
        amplitudes, lowest = draw_amplitudes(
            shared, own, config.frequencies, config.colour_temperature, config.bandwidth
        )
        return recoloured(images, amplitudes, lowest)
    shift = draw_shift(shared, images.shape[-1], config.lowest_cut, config.highest_cut, config.alpha)
    return deformed(images, shift.to(images.device))
