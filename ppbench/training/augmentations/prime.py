"""PRIME: chains of random filters, colour curves and deformations, mixed (Modas et al., ECCV 2022).

The colour primitive makes of a level c the level c + Σ_k a_k sin(πkc). Rather than so many sines for every pixel, the
curve of each image and channel is evaluated on a fine grid, by matrix products, and pixels are looked up in it. The
spatial primitive is a smooth deformation (after Petrini et al., 2021), the spectral one a random 3×3 kernel.
"""

import math
from dataclasses import dataclass
from functools import lru_cache

import torch
import torch.nn.functional as F
from torch import Tensor

from corruptions.random import Random
from ppbench.errors import InputError, unknown
from ppbench.training.augmentations import draws
from ppbench.training.augmentations.augmix import draw_chains, draw_weights, mixed
from ppbench.training.augmentations.checks import check_scaled

SIDE = 3


def draw_kernels(shared: Random, own: Random, sigma: float, *, centred: bool) -> Tensor:
    """Return float32 (N,3,3): an impulse plus normal numbers, whose standard deviation is uniform up to sigma.

    Args:
        shared: the numbers of the step: of the standard deviation.
        own: the numbers of each image.
        sigma: the greatest standard deviation.
        centred: the impulse is in the middle. The original puts it into the last row and column, which moves the
            image by one pixel, up and to the left.
    """
    kernels = own.normal("kernel", SIDE, SIDE).mul_(draws.uniform(shared, "sigma", 0.0, sigma))
    at = SIDE // 2 if centred else SIDE - 1
    kernels[:, at, at] += 1.0
    return kernels


def filtered(images: Tensor, kernels: Tensor) -> Tensor:
    """Return each image correlated with its kernel, zeros around it, and clamped to [0, 1].

    Args:
        images: float32 (N,C,H,W).
        kernels: float32 (N,3,3), the same for all channels.
    """
    n, channels = images.shape[:2]
    weight = kernels[:, None, None].expand(n, channels, 1, SIDE, SIDE).reshape(n * channels, 1, SIDE, SIDE)
    one = images.reshape(1, n * channels, *images.shape[2:])
    answer = F.conv2d(one, weight, padding=SIDE // 2, groups=n * channels)
    return answer.view_as(images).clamp_(0.0, 1.0)


def draw_shift(shared: Random, side: int, lowest_cut: int, highest_cut: int, alpha: float) -> Tensor:
    """Return a displacement of every pixel, float32 (2, side, side), x before y, in pixels, on the CPU.

    Args:
        shared: the numbers of the step.
        side: of the images, pixels.
        lowest_cut: fewest modes a direction.
        highest_cut: most modes; the most at a step is uniform in lowest_cut + 1 to so many, and the number itself is
            between, by Beta(1/2, 1/2).
        alpha: the temperature is between the least and alpha times the greatest, by Beta(1/2, 1/2).
    """
    most = draws.integer(shared, "most", lowest_cut + 1, highest_cut)
    cut = min(lowest_cut + int(draws.arcsine(shared, "cut") * (most + 1 - lowest_cut)), most)
    least, greatest = temperature_range(side, cut)
    greatest = max(least, alpha * greatest)
    temperature = least + draws.arcsine(shared, "temperature") * (greatest - least)
    return displacement(shared.normal("field", 2, cut, cut)[0], temperature, side)


def temperature_range(side: int, cut: int) -> tuple[float, float]:
    """Return the least and the greatest temperature for an image of `side` pixels and `cut` modes a direction.

    At the least the typical displacement in the middle is half a pixel; above the greatest the image would fold.
    """
    logarithm = math.log(cut + 1e-6)
    return 1.0 / (math.pi * side**2 * logarithm), 4.0 / (math.pi**3 * (cut + 1e-6) ** 2 * logarithm)


def displacement(normal: Tensor, temperature: float, side: int) -> Tensor:
    """Return the displacement of every pixel, float32 (2, side, side), x before y, in pixels.

    Args:
        normal: standard normal numbers (2, cut, cut): the modes i (across) and j (down), from 1.
        temperature: √temperature · side scales the field.
        side: of the image, pixels.
    """
    cut = normal.shape[-1]
    amplitudes, sines = _modes(cut, side, normal.device)
    field = sines.T @ (normal * amplitudes).transpose(1, 2) @ sines  # rows are y, so j comes first
    return field * (math.sqrt(temperature) * side)


def deformed(images: Tensor, shift: Tensor) -> Tensor:
    """Return images whose pixel (x, y) is the one at (x - dx, y - dy), between pixels and up to the outermost ones.

    Args:
        images: float32 (N,C,H,W).
        shift: float32 (2,H,W), dx and dy in pixels, the same for all images.
    """
    n, channels, height, width = images.shape
    grid = torch.stack(
        [
            (torch.arange(size, device=images.device).view(view) - shift[axis]) * (2.0 / (size - 1)) - 1.0
            for axis, (size, view) in enumerate(((width, (1, -1)), (height, (-1, 1))))
        ],
        dim=-1,
    )
    # One field for all: with the images as channels its places and weights are worked out once.
    one = images.reshape(1, n * channels, height, width)
    moved = F.grid_sample(one, grid[None], mode="bilinear", padding_mode="border", align_corners=True)
    return moved.view_as(images)


@lru_cache(maxsize=32)
def _modes(cut: int, side: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Return the amplitudes of the modes, (cut, cut), and their sines at the pixels, (cut, side), float32."""
    k = torch.arange(1, cut + 1, dtype=torch.float64)
    radius = torch.hypot(k[:, None], k)
    amplitudes = (radius < cut + 0.5) / radius
    sines = torch.sin(math.pi * k[:, None] * torch.linspace(0.0, 1.0, side, dtype=torch.float64))
    return amplitudes.float().to(device), sines.float().to(device)


_LEVELS = 255
_FREQUENCIES_A_CELL = 6
_ROWS = 24


def grid_cells(highest: int) -> int:
    """Return the number of cells of the grid over [0, 1] for frequencies up to `highest`.

    A multiple of 255: levels of uint8 images are met exactly. With so many the interpolation is off by
    (πk)² / (8 cells²) of a sine's amplitude, which is below 0.0007 for every frequency k.
    """
    return _LEVELS * math.ceil(highest / _FREQUENCIES_A_CELL)


def draw_amplitudes(
    shared: Random, own: Random, frequencies: int, temperature: float, bandwidth: int | None
) -> tuple[Tensor, int]:
    """Return the amplitudes, float32 (N,3,K), of K neighbouring frequencies, and the lowest of these.

    Args:
        shared: the numbers of the step: which frequencies, and the amplitudes' variance.
        own: the numbers of each image.
        frequencies: the highest frequency is uniform in 1 to so many.
        temperature: the amplitudes' variance is uniform in 0 to so much.
        bandwidth: so many frequencies at most, the lowest of them uniform in 1 to the highest; None for all from 1.
    """
    highest = draws.integer(shared, "highest", 1, frequencies)
    lowest = 1
    if bandwidth is not None:
        lowest = draws.integer(shared, "lowest", 1, highest)
        highest = min(lowest + bandwidth - 1, highest)
    variance = draws.uniform(shared, "temperature", 0.0, temperature)
    return own.normal("amplitudes", 3, highest + 1 - lowest).mul_(math.sqrt(variance)), lowest


def recoloured(images: Tensor, coefficients: Tensor, lowest: int = 1) -> Tensor:
    """Return images whose levels went through their curves, clamped to [0, 1].

    Args:
        images: float32 (N,C,H,W) in [0, 1].
        coefficients: float32 (N,C,K), the amplitudes of the sines of frequencies lowest, lowest + 1, …
        lowest: lowest frequency, at least 1, in half periods over [0, 1].
    """
    rows = images.shape[0] * images.shape[1]
    table = curves(coefficients.reshape(rows, -1), lowest)
    cells = table.shape[1] - 1
    place = images.reshape(rows, -1) * cells
    cell = place.long().clamp_(0, cells - 1)
    low, high = table.gather(1, cell), table.gather(1, cell + 1)
    return torch.lerp(low, high, place.sub_(cell)).clamp_(0.0, 1.0).view_as(images)


def curves(coefficients: Tensor, lowest: int) -> Tensor:
    """Return the curves on the grid, not clamped: float32 (R, cells + 1) of coefficients float32 (R,K)."""
    rows, count = coefficients.shape
    cells = grid_cells(lowest + count - 1)
    line = torch.linspace(0.0, 1.0, cells + 1, device=coefficients.device)
    # Rounded up, so that a few tables of sines serve all counts.
    sines = _sines(lowest, count + -count % _FREQUENCIES_A_CELL, cells, coefficients.device)[:count]
    # In blocks of one size: the order of a sum may depend on the size of the product, and an image's curve must not
    # depend on the rest of the batch.
    blocks = F.pad(coefficients, (0, 0, 0, -rows % _ROWS)).view(-1, _ROWS, count)
    table = torch.baddbmm(line, blocks, sines.expand(len(blocks), -1, -1))
    return table.flatten(0, 1)[:rows]


@lru_cache(maxsize=20)
def _sines(lowest: int, count: int, cells: int, device: torch.device) -> Tensor:
    """Return sin(πkj/cells), `count` frequencies k by the points j of the grid: float32 (K, cells + 1)."""
    k = torch.arange(lowest, lowest + count)[:, None]
    j = torch.arange(cells + 1)
    # The remainder first: the angle is exact and small.
    angle = (k * j % (2 * cells)).double() * (math.pi / cells)
    return angle.sin().float().to(device)


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
