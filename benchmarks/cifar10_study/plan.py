"""Which networks the study trains, and which of them answer one question together."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

STEMS = {"": "baseline", "-pp": "PP3", "-pp5": "PP5"}
"""Push-pull in the first layer with a window of 3 or 5, trained inhibition, as the paper's tables call them."""


DATA_DIGEST = "76a522436c50de52cca2add623c5a24ae566518b1e8f30ac502fe7f8fe2d632f"
"""Of CIFAR-10's 50,000 training images as JPEGs of quality 75, which is what the study's texts speak of."""


@dataclass(frozen=True)
class Variant:
    """A network with an augmentation, trained from one seed or several.

    Attributes:
        stem: what its architecture's name has behind ``resnet20``.
        augmentation: of the training.
        seeds: of the trainings.
    """

    stem: str
    augmentation: str
    seeds: tuple[int, ...]

    @property
    def model(self) -> str:
        """The architecture."""
        return f"resnet20{self.stem}"

    @property
    def recipe(self) -> str:
        """The recipe's name."""
        return "cifar10-fast" + ("" if self.augmentation == "none" else f"-{self.augmentation}")

    @property
    def label(self) -> str:
        """What tables call it."""
        named = {"none": "", "augmix": "AugMix + ", "prime": "PRIME + "}[self.augmentation]
        return f"{named}{STEMS[self.stem]}"

    def file(self, folder: Path, seed: int) -> Path:
        """Return where its weights are."""
        return folder / f"{self.model}.{self.recipe}.seed{seed}.safetensors"

    def trained(self, folder: Path) -> Mapping[int, Path]:
        """Return the files that are there, by seed."""
        return {seed: path for seed in self.seeds if (path := self.file(folder, seed)).exists()}


VARIANTS: Sequence[Variant] = (
    Variant("", "none", (0, 1, 2)),
    Variant("-pp", "none", (0, 1, 2)),
    Variant("-pp5", "none", (0, 1, 2)),
    Variant("", "augmix", (0,)),
    Variant("-pp", "augmix", (0,)),
    Variant("", "prime", (0,)),
    Variant("-pp", "prime", (0,)),
)


def trainings() -> list[tuple[Variant, int]]:
    """Return all trainings, those first without which nothing can be said."""
    longest = max(len(variant.seeds) for variant in VARIANTS)
    return [(variant, seed) for seed in range(longest) for variant in VARIANTS if seed in variant.seeds]


def baseline_of(variant: Variant) -> Variant:
    """Return the variant without push-pull and with the same augmentation."""
    return next(each for each in VARIANTS if (each.stem, each.augmentation) == ("", variant.augmentation))
