"""What a zoo (torchvision, timm) says of a network's input, and what becomes of it for the benchmark's images."""

import re
from dataclasses import dataclass, replace

from ppbench.errors import InputError
from ppbench.models.input_spec import INTERPOLATIONS, Claim, InputSpec

_DIGEST = re.compile(r"-([0-9a-f]{8,64})\.\w+$")
"""Both zoos put the first digits of a file's sha256 into its name: ``resnet50-11ad3fa6.pth``."""

_OTHER_NAMES = {"nearest-exact": "nearest"}  # ours takes the nearest pixel's centre, as Pillow does


@dataclass(frozen=True)
class ZooContract:
    """The input contract that a zoo keeps for a set of weights.

    Attributes:
        spec: as the zoo applies it to whole photographs, with its resize and crop.
        said_by: whose word it is, e.g. ``timm's configuration of resnet18.a1_in1k``.
        num_classes: that the zoo's own weights tell apart; None where the zoo does not say.
        assumed: what was taken for granted to find it, a clause each.
    """

    spec: InputSpec
    said_by: str
    num_classes: int | None
    assumed: tuple[str, ...] = ()

    def for_images(self, image_size: int) -> InputSpec:
        """Return the contract for the benchmark's images: resized where their size is another, and never cropped.

        They are what is left of a photograph after the usual crop: a second one would cut off their borders.
        """
        size = self.spec.size
        return replace(self.spec, resize=None if size == image_size else size, crop=None)

    def claim(self, image_size: int) -> Claim:
        """Return the contract for images of this side, in pixels, and whose word it is, with what was left out."""
        spec, whole = self.for_images(image_size), self.spec
        if whole.resize == whole.crop:  # the zoo crops nothing
            return Claim(self.said_by, spec)
        if spec.resize is None:
            return Claim(f"{self.said_by} (its resize and crop left out: the images have that size)", spec)
        both = f"--resize {whole.resize} --crop {whole.crop}"
        return Claim(f"{self.said_by} (its crop left out: {both} for whole photographs)", spec)

    def agrees(self, other: "ZooContract", image_size: int) -> bool:
        """Return whether both make the same of images of this side, in pixels, whether they resize them or not."""
        ours, theirs = (
            spec if spec.resize else replace(spec, interpolation=INTERPOLATIONS[0], antialias=True)
            for spec in (self.for_images(image_size), other.for_images(image_size))
        )
        return ours == theirs


def interpolation_of(name: str, owner: str, given: str | None) -> str:
    """Return the interpolation that a zoo asks for, under our name.

    Args:
        name: the zoo's.
        owner: what messages call the network.
        given: what the user insists on, which counts before the zoo's word; None for nothing.

    Raises:
        InputError: ppbench has no such interpolation, and the user has not chosen another.
    """
    if given is not None:
        return given
    found = _OTHER_NAMES.get(name, name)
    if found not in INTERPOLATIONS:
        raise InputError(
            f"{owner}: expected an interpolation of {', '.join(INTERPOLATIONS)}, got {name!r} from its zoo: "
            "choose one of these with --interpolation"
        )
    return found


def published_as(url: str | None, sha256: str) -> bool:
    """Return whether a file is the one at this address, by the digest that the address carries."""
    match = _DIGEST.search(url or "")
    return match is not None and sha256.startswith(match[1])
