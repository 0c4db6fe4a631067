"""The networks that ppbench builds by name."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from ppbench.errors import unknown
from ppbench.models.stems import PLAIN, PP, PP5, PP2020, Stem, parse_stem

if TYPE_CHECKING:
    from torch import nn

    from ppbench.models.resnet import Depth, Shortcut

Build = Callable[[int, int], "nn.Module"]


@dataclass(frozen=True)
class Architecture:
    """A network with a name.

    Attributes:
        name: e.g. ``resnet20-pp``.
        base: the name without the stem, e.g. ``resnet20``.
        family: ``resnet``, ``cifar-resnet`` or ``alexnet``.
        description: one line.
        stem: the first convolution.
        build: (num_classes, image_size) -> the network with random weights; no device is needed but the CPU.
    """

    name: str
    base: str
    family: str
    description: str
    stem: Stem
    build: Build


# What builds a network brings torch: it is imported when one is built, and not to list their names.
def _alexnet(num_classes: int, image_size: int, stem: Stem) -> "nn.Module":
    from ppbench.models.alexnet import alexnet

    return alexnet(num_classes, image_size, stem)


def _resnet(num_classes: int, image_size: int, stem: Stem, *, depth: "Depth") -> "nn.Module":
    from ppbench.models.resnet import resnet

    network: nn.Module = resnet(depth, num_classes, image_size, stem)
    return network


def _cifar_resnet(
    num_classes: int, _image_size: int, stem: Stem, *, depth: int, shortcut: "Shortcut"
) -> "nn.Module":
    from ppbench.models.resnet import CifarResNet

    return CifarResNet(depth, num_classes, stem, shortcut)


_DEPTHS: tuple["Depth", ...] = (18, 34, 50)
_SHORTCUTS: tuple[tuple["Shortcut", str, str], ...] = (
    ("B", "", "1x1-convolution"),
    ("A", "a", "zero-padding"),
)

_BASES: dict[str, tuple[str, str, Callable[[int, int, Stem], "nn.Module"]]] = {
    "alexnet": ("alexnet", "AlexNet, the 32-pixel variant up to 64 pixels", _alexnet),
    **{
        f"resnet{depth}": (
            "resnet",
            f"ResNet-{depth} of torchvision, CIFAR stem up to 64 pixels",
            partial(_resnet, depth=depth),
        )
        for depth in _DEPTHS
    },
    **{
        f"resnet{depth}{letter}": (
            "cifar-resnet",
            f"CIFAR ResNet-{depth}, 16-32-64 planes, {words} shortcuts",
            partial(_cifar_resnet, depth=depth, shortcut=shortcut),
        )
        for shortcut, letter, words in _SHORTCUTS
        for depth in (20, 32, 44, 56)
    },
}


def _architecture(base: str, stem: Stem) -> Architecture:
    family, words, builder = _BASES[base]
    return Architecture(
        name=base + stem.suffix,
        base=base,
        family=family,
        description=f"{words}; {stem.description}",
        stem=stem,
        build=lambda num_classes, image_size: builder(num_classes, image_size, stem),
    )


def _stems(base: str) -> tuple[Stem, ...]:
    return (PLAIN, PP, PP5, PP2020) if _BASES[base][0] == "cifar-resnet" else (PLAIN, PP, PP5)


# The listed ones. `architecture` also knows every other stem that `parse_stem` reads, e.g.
# resnet18-pp5-fixed2.
ARCHITECTURES: dict[str, Architecture] = {
    found.name: found for base in _BASES for found in (_architecture(base, stem) for stem in _stems(base))
}


def architecture(name: str) -> Architecture:
    """Return the network of that name.

    Raises:
        InputError: no network has this name; the nearest one is suggested.
    """
    found = find_architecture(name)
    if found is None:
        raise unknown("model", name, ARCHITECTURES, listed_by="ppbench models --architectures")
    return found


def find_architecture(name: str) -> Architecture | None:
    """Return the network of that name, None if no network has it."""
    if name in ARCHITECTURES:
        return ARCHITECTURES[name]
    base, _, suffix = name.partition("-")
    stem = parse_stem(suffix)
    return _architecture(base, stem) if base in _BASES and stem is not None else None
