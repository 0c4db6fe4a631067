"""What a study is: which networks it trains, which of them answer one question, and what its page says around them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from benchmarks.push_pull_study.statistics import Row

STEMS = {"": "baseline", "-pp": "PP3", "-pp5": "PP5"}
"""Push-pull in the first layer with a window of 3 or 5, trained inhibition, as the paper's tables call them."""


@dataclass(frozen=True)
class Variant:
    """A network with an augmentation, trained from one seed or several.

    Attributes:
        stem: what its architecture's name has behind ``resnet20``.
        augmentation: of the training.
        base_recipe: the recipe without augmentation.
        seeds: of the trainings.
    """

    stem: str
    augmentation: str
    base_recipe: str
    seeds: tuple[int, ...]

    @property
    def model(self) -> str:
        """The architecture."""
        return f"resnet20{self.stem}"

    @property
    def recipe(self) -> str:
        """The recipe's name."""
        return self.base_recipe + ("" if self.augmentation == "none" else f"-{self.augmentation}")

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


Network = tuple[Variant, int]
"""One training: what of, and its seed."""


@dataclass(frozen=True)
class Page:
    """What the page of a study says around its figures.

    Attributes:
        head: what was done; has the places ``{images}``, ``{epochs}`` and ``{normaliser}``.
        claim: what is asked, before the verdicts.
        caption: above every table; empty where it needs none.
        remark: what is said of a row beside its verdict.
        beside: what others report; empty where nothing is comparable.
        again: how to make it again.
    """

    head: str
    claim: str
    caption: str
    remark: "Callable[[Row], str]"
    beside: str
    again: str


@dataclass(frozen=True)
class Study:
    """A study.

    Attributes:
        name: of its folder in ``results/``, less ``-study``.
        data: the benchmark data set.
        variants: the networks; the first is the one without push-pull and without augmentation.
        digest: of the training images, which are what the page speaks of.
        images: the training images, in words.
        bits: of the stored kernels; the networks are measured as stored.
        page: the words around the figures.
    """

    name: str
    data: str
    variants: Sequence[Variant]
    digest: str
    images: str
    bits: int
    page: Page

    def trainings(self) -> list[Network]:
        """Return all trainings, those first without which nothing can be said."""
        longest = max(len(variant.seeds) for variant in self.variants)
        return [
            (variant, seed) for seed in range(longest) for variant in self.variants if seed in variant.seeds
        ]

    @property
    def plain(self) -> Variant:
        """The variant without push-pull and without augmentation."""
        return self.variants[0]

    def baseline_of(self, variant: Variant) -> Variant:
        """Return the variant without push-pull and with the same augmentation."""
        return next(
            each for each in self.variants if (each.stem, each.augmentation) == ("", variant.augmentation)
        )
