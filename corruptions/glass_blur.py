"""glass_blur: blur, let pixels take over the colour of a random neighbour, blur again."""

import torch
from torch import Tensor

from corruptions.definition import Constants, Corruption, Fields
from corruptions.gaussian_blur import gaussian_blur
from corruptions.random import Random


def _draw(images: Tensor, constants: Constants, random: Random) -> Fields:
    """Draw for every pass and every pixel of the interior where it looks: dx and dy in [-delta, delta).

    The upper end is excluded, as in the reference: displacements lean to the upper left. Both come from one
    number, 16 bits each.
    """
    delta, passes = int(constants["delta"]), int(constants["iterations"])
    bits = random.bits("offsets", passes, images.shape[2] - 2 * delta, images.shape[3] - 2 * delta)
    low = bits & 0xFFFF
    high = bits.bitwise_right_shift_(16).bitwise_and_(0xFFFF)
    return {
        name: half.mul_(2 * delta).bitwise_right_shift_(16).sub_(delta)
        for name, half in (("dx", low), ("dy", high))
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
    every = torch.arange(height * width, device=dx.device)
    steps = torch.add(dx, dy, alpha=width)
    source = None
    for i in range(passes):
        target = every.repeat(count, 1)
        inside = target.view(count, height, width)[
            :, delta + 1 : height - delta + 1, delta + 1 : width - delta + 1
        ]
        inside += steps[:, i]
        # Where the chain of later pixels that starts here ends; the pixel it ends at takes an old value.
        last = torch.maximum(target, every)
        while True:
            further = last.gather(1, last)
            if torch.equal(further, last):
                break
            last = further
        root = target.gather(1, last)
        source = root if source is None else source.gather(1, root)
    return every.expand(count, -1) if source is None else source


GLASS_BLUR = Corruption("glass_blur", "blur", 3, _apply, _draw)
