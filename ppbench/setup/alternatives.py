"""Other set-ups that people mix up with the right one: all are tried on a few clean images, the best on more."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from torch import Tensor

from ppbench.models.input_spec import CIFAR_MEAN, CIFAR_STD, IMAGENET_MEAN, IMAGENET_STD, InputSpec, Triple
from ppbench.setup.better import Right, clearly_better
from ppbench.setup.finding import Finding

OTHERS = "other set-ups"

IMAGES = 64
"""So many are tried with each set-up."""

MORE_IMAGES = 512
"""So many others at most with the best of them, if the first ones do not settle it."""

FEWEST = 32
"""With fewer images nothing is tried."""

ENOUGH = 4 * IMAGES
"""With fewer images even a set-up that costs ten points may not show: what is left for the best of them is too few."""

FEW_IMAGES = Finding(OTHERS, "skipped", f"not tried with fewer than {FEWEST} images")
MUCH_WORK = Finding(OTHERS, "skipped", "not tried: much work beside this run; `ppbench doctor` tries them")


@dataclass(frozen=True)
class Alternative:
    """Another set-up.

    Attributes:
        told: what it is, to go on from "with".
        question: what to look at where it answers better.
        spec: its input contract.
        images: what it does to images uint8 (n, 3, H, W).
    """

    told: str
    question: str
    spec: InputSpec
    images: Callable[[Tensor], Tensor] = lambda images: images


def alternatives(spec: InputSpec, image_size: int) -> list[Alternative]:
    """Return the set-ups to try in place of one.

    Args:
        spec: the input contract as it is.
        image_size: side of the images, in pixels.
    """
    of_images = [
        ("the channels the other way round, BGR", "is their order right?", lambda images: images.flip(1)),
        ("the images upside down", "which way up are they?", lambda images: images.flip(2)),
        ("the images turned by 180°", "which way up are they?", lambda images: images.flip(2, 3)),
        ("the images mirrored", "were left and right swapped?", lambda images: images.flip(3)),
        (
            "rows and columns swapped",
            "were the axes of the array mixed up?",
            lambda images: images.transpose(2, 3).contiguous(),
        ),
        ("dark and light swapped", "are the images negatives?", lambda images: 255 - images),
    ]
    found = [Alternative(told, question, spec, turn) for told, question, turn in of_images]
    found += [
        Alternative(
            told, "is the normalisation right (--mean, --std, --value-range, --normalised-inside)?", other
        )
        for told, other in _normalisations(spec)
    ]
    if spec.resize is not None or spec.crop is not None:
        plain = replace(spec, size=image_size, resize=None, crop=None)
        question = f"is the size right (--resize {image_size} leaves the images as they are)?"
        found.append(Alternative("the images as they are, neither resized nor cropped", question, plain))
    return found


def _normalisations(spec: InputSpec) -> list[tuple[str, InputSpec]]:
    half: Triple = (0.5, 0.5, 0.5)
    none: tuple[Triple, Triple] = ((0.0, 0.0, 0.0), (1.0, 1.0, 1.0))
    ways: list[tuple[str, Triple, Triple, tuple[float, float]]] = [
        ("values in 0..1 and no normalisation outside the network", *none, (0.0, 1.0)),
        ("values in 0..255 and no normalisation outside the network", *none, (0.0, 255.0)),
        ("CIFAR's mean and std", CIFAR_MEAN, CIFAR_STD, (0.0, 1.0)),
        ("ImageNet's mean and std", IMAGENET_MEAN, IMAGENET_STD, (0.0, 1.0)),
        ("mean 0.5 and std 0.5", half, half, (0.0, 1.0)),
    ]
    as_it_is = _scaling(spec)
    found = []
    for told, mean, std, values in ways:
        other = replace(spec, mean=mean, std=std, value_range=values, normalised_inside=False)
        if np.abs(np.subtract(_scaling(other), as_it_is)).max() > 0.02 * max(1.0, np.abs(as_it_is).max()):
            found.append((told, other))
    return found


def _scaling(spec: InputSpec) -> list[float]:
    """Return what black and white become in each channel."""
    low, high = spec.value_range
    if spec.normalised_inside:
        return [low] * 3 + [high] * 3
    pairs = list(zip(spec.mean, spec.std, strict=True))
    return [(low - mean) / std for mean, std in pairs] + [(high - mean) / std for mean, std in pairs]


Tried = Sequence[tuple[Alternative, Right]]
"""Set-ups, each with which images are right with it, (n,)."""


def settled(now: Right, tried: Tried) -> Alternative | None:
    """Return the set-up that answers best, if it answers clearly better than the one as it is, else None.

    Args:
        now: which images are right as it is, (n,).
        tried: the others on the same images.
    """
    better = [(other, then) for other, then in tried if clearly_better(now, then, len(tried))]
    return _best(better)


def promising(now: Right, tried: Tried) -> Alternative | None:
    """Return the set-up that answers best, if it answers any more images than the one as it is, else None."""
    return _best([(other, then) for other, then in tried if then.sum() > now.sum()])


def nothing_found(tried: int, images: int) -> Finding:
    """Return that no set-up answers better."""
    text = (
        f"none of {tried} that are often mixed up with it answers clearly better (tried on {images} images)"
    )
    return Finding(OTHERS, "ok", text)


def found(best: Alternative, now: Right, then: Right) -> Finding:
    """Return that a set-up answers better, with its error and the one as it is, on the same images."""
    error, there = (100 * (1 - float(right.mean())) for right in (then, now))
    text = f"with {best.told}, the error on {len(now)} images would be {error:.1f} % instead of {there:.1f} %"
    return Finding(OTHERS, "wrong", text, best.question)


def _best(tried: Tried) -> Alternative | None:
    return max(tried, key=lambda pair: int(pair[1].sum()), default=(None,))[0]
