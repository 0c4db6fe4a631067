"""PRIME: chains of random filters, colour curves and deformations, mixed (Modas et al., ECCV 2022)."""

from dataclasses import dataclass

import torch
from torch import Tensor

from corruptions.random import Random
from ppbench.training.augmentations import draws
from ppbench.training.augmentations.chains import draw_chains, draw_weights, mixed
from ppbench.training.augmentations.checks import check_scaled
from ppbench.training.augmentations.colour import recoloured
from ppbench.training.augmentations.spatial import deformed, displacement, temperature_range
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
                    copies[here] = self._apply(primitive, copies[here], shared, own)
        weights, share = draw_weights(seed, name, ids, width=config.width, device=images.device)
        return mixed(images, copies, weights, share).clamp_(0.0, 1.0)  # but for rounding it is within

    def _apply(self, primitive: str, images: Tensor, shared: Random, own: Random) -> Tensor:
        config = self.config
        if primitive == "spectral":
            sigma = draws.uniform(shared, "sigma", 0.0, config.sigma)
            return filtered(images, draw_kernels(own, sigma, centred=config.centred_impulse))
        if primitive == "colour":
            highest = draws.integer(shared, "highest", 1, config.frequencies)
            temperature = draws.uniform(shared, "temperature", 0.0, config.colour_temperature)
            lowest, last = 1, highest
            if config.bandwidth is not None:
                lowest = draws.integer(shared, "lowest", 1, highest)
                last = min(lowest + config.bandwidth - 1, highest)
            amplitudes = own.normal("amplitudes", images.shape[1], last + 1 - lowest).mul_(temperature**0.5)
            return recoloured(images, amplitudes, lowest)
        side = images.shape[-1]
        most = draws.integer(shared, "most", config.lowest_cut + 1, config.highest_cut)
        cut = config.lowest_cut + int(draws.arcsine(shared, "cut") * (most + 1 - config.lowest_cut))
        cut = min(cut, most)  # the draw may be 1
        least, greatest = temperature_range(side, cut)
        greatest = max(least, config.alpha * greatest)
        temperature = least + draws.arcsine(shared, "temperature") * (greatest - least)
        normal = shared.normal("field", 2, cut, cut)[0].to(images.device)
        return deformed(images, displacement(normal, temperature, side))
