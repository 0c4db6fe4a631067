"""glass_blur: blur, let pixels take over the colour of a random neighbour, blur again."""

import torch
from torch import Tensor

from corruptions.convolution import gaussian_blur
from corruptions.random import Random
from corruptions.registry import Constants, Corruption, Fields


def _draw(images: Tensor, constants: Constants, random: Random) -> Fields:
    """Draw for every pass and every pixel of the interior where it looks: dx and dy in [-delta, delta).

    The upper end is excluded, as in the reference: displacements lean to the upper left.
    """
    delta, passes = int(constants["delta"]), int(constants["iterations"])
    shape = passes, images.shape[2] - 2 * delta, images.shape[3] - 2 * delta
    return {
        name: random.integers(name, *shape, low=-delta, high=delta) for name in ("dx", "dy")
    }


def _apply(images: Tensor, constants: Constants, fields: Fields) -> Tensor:
    """Apply the displacements dx, dy: integers (N, iterations, H - 2 delta, W - 2 delta), in raster order."""
    sigma, delta = constants["sigma"], int(constants["delta"])
    count, channels, height, width = images.shape
    blurred = gaussian_blur(images, sigma)  # the reference too rounds off here
    source = shuffle_map(fields["dx"], fields["dy"], delta, height, width)
    shuffled = blurred.view(count, channels, -1).gather(2, source[:, None].expand(-1, channels, -1))
    return gaussian_blur(shuffled.view_as(images), sigma)


def shuffle_map(dx: Tensor, dy: Tensor, delta: int, height: int, width: int) -> Tensor:
    """Return which pixel of the blurred image ends up where: flat indices, int64 (N, H * W).

    The reference means to swap a pixel with its neighbour, but assigns through views, so that it copies: pixels
    are duplicated and others lost. It visits the interior (rows delta + 1 to H - delta, columns likewise) from
    the last pixel to the first, one copy after the other: a pixel sees its neighbour's new value if that one comes
    later in raster order, the old one otherwise. Each pass is therefore a forest of pointers to later pixels,
    whose roots are found by pointer jumping, all pixels of all images at once.
    """
    count, passes = dx.shape[:2]
    pixels = height * width
    every = torch.arange(pixels, device=dx.device).view(height, width)
    inside = torch.zeros(height, width, dtype=torch.bool, device=dx.device)
    inside[delta + 1 : height - delta + 1, delta + 1 : width - delta + 1] = True
    first = (torch.arange(count, device=dx.device) * pixels)[:, None]
    mapped = (every.view(1, -1) + first).view(-1)
    for i in range(passes):
        step = dy[:, i] * width + dx[:, i]
        target = every.repeat(count, 1, 1)
        target[:, delta + 1 : height - delta + 1, delta + 1 : width - delta + 1] += step
        target = target.view(count, -1)
        follows = inside.view(-1)[target] & (target > every.view(-1))
        follows &= inside.view(-1)
        target = (target + first).view(-1)
        mapped = mapped[_roots(target, follows.view(-1))]
    return mapped.view(count, -1) - first


def _roots(target: Tensor, follows: Tensor) -> Tensor:
    """Return where every pointer chain ends: follow `target` for as long as `follows` holds on the way.

    Each round replaces a pointer by its target's pointer, which doubles the length of chain resolved; half
    the pixels are done at once, a quarter after the first round, a sixteenth after the second.
    """
    open_ = follows.nonzero().view(-1)
    while len(open_):
        through = target[open_]
        still = follows[through]
        # Both are read before either is written, so a round is one step for all pixels.
        target[open_] = target[through]
        follows[open_] = still
        open_ = open_[still]
    return target


GLASS_BLUR = Corruption("glass_blur", "blur", 1, _apply, _draw)
