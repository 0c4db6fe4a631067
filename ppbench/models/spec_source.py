"""Whose word on the input contract counts: flag, factory, checkpoint, index, default, in this order."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ppbench.errors import InputError
from ppbench.models.input_spec import InputSpec


@dataclass(frozen=True)
class Claim:
    """What somebody says of the input.

    Attributes:
        who: says it.
        spec: what they say; None where they say nothing.
        guess: whether nobody knows it: the default, for want of a word.
    """

    who: str
    spec: InputSpec | None
    guess: bool = False


@dataclass(frozen=True)
class Settled:
    """The contract that counts.

    Attributes:
        spec: the contract.
        source: whose word it is.
        guess: whether mean or standard deviation are nobody's word.
    """

    spec: InputSpec
    source: str
    guess: bool


def settle(claims: Sequence[Claim], flags: Mapping[str, Any], image_size: int | None) -> Settled:
    """Return the spec that counts, and who said it.

    Images that have the size already that a claim would resize and crop them to are left as they are, and the source
    says so: resizing the published 224-pixel files again would change every number. A flag is obeyed.

    Args:
        claims: the greatest authority first.
        flags: fields that the user set; they count before every claim.
        image_size: of the images that will come, in pixels; None if that is not known yet.

    Raises:
        InputError: a flag is wrong, a mean is far outside the values, or the images have another size than the spec's
            and nothing resizes them.
    """
    claim, spec = next((claim, claim.spec) for claim in claims if claim.spec is not None)
    source = claim.who
    if image_size is not None and (spec.resize or spec.crop) and _seen(spec) == image_size:
        source += " (its resize and crop left out: the images have that size)"
        spec = replace(spec, size=image_size, resize=None, crop=None)
    given = {name: value for name, value in flags.items() if value is not None}
    if given:
        spec = InputSpec.from_dict(spec.to_dict() | given)
        if "mean" in given and max(map(abs, spec.mean)) > 2 * max(map(abs, spec.value_range)):
            raise InputError(
                f"expected --mean in units of the values ({spec.value_range[0]:g} to {spec.value_range[1]:g}), got "
                f"{spec.mean[0]:g}: for a network that takes 0 to 255 add --value-range 0,255"
            )
        source = f"flags ({', '.join(given)}) over {source}"
    spec = replace(spec, size=_seen(spec))
    if image_size is not None and spec.size != image_size and not (spec.resize or spec.crop):
        raise InputError(
            f"expected images of {spec.size} pixels ({source}), got {image_size}: "
            f"pass --resize {spec.size} to resize them, or --resize {image_size} to take them as they are"
        )
    return Settled(spec, source, claim.guess and not {"mean", "std"} <= set(given))


def _seen(spec: InputSpec) -> int:
    """Side of the images after resizing and cropping."""
    return spec.crop or spec.resize or spec.size
