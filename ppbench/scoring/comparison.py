"""Is the second model better than the first? Every score, paired by image, and what is decided."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from ppbench.errors import unknown
from ppbench.scoring.completeness import missing_cells
from ppbench.scoring.headlines import PAIRED
from ppbench.scoring.names import CORRUPTIONS
from ppbench.scoring.pairing import Difference, Pairing, verdict
from ppbench.scoring.significance import holm


@dataclass(frozen=True)
class Comparison:
    """Two models on the same images.

    Attributes:
        first: name of the model compared with.
        second: name of the model judged.
        images: how many images both saw in every cell.
        level: confidence level of the intervals and, less 1, of the family of tests.
        headlines: clean error, mean error, mCE, relative mCE, as far as both have them.
        corruptions: CE of each corruption (its mean error without a normaliser), the 15 before the 4. The 15 are
            corrected for by Holm as one family; the 4 extra ones stand each by itself.
        cells: the error of each cell; their tests are not corrected.
        r_net: R_net of the second model against the first, with its interval (value, low, high); None without
            clean errors.
        partial: what of the benchmark's cells is missing, so that every mean is another number; empty if nothing is.
    """

    first: str
    second: str
    images: int
    level: float
    headlines: tuple[Difference, ...]
    corruptions: tuple[Difference, ...]
    cells: tuple[Difference, ...]
    r_net: tuple[float, float, float] | None
    partial: tuple[str, ...] = ()

    def difference(self, score: str) -> Difference:
        """Return the difference in a score by its name."""
        known = {each.score: each for each in (*self.headlines, *self.corruptions, *self.cells)}
        if score not in known:
            raise unknown("score", score, known)
        return known[score]

    def to_dict(self) -> dict[str, Any]:
        """Return the comparison as JSON knows it."""
        return asdict(self)


def compare(pairing: Pairing) -> Comparison:
    """Compare two paired models in every score they share."""
    scores = pairing.scores
    # A corruption without a CE is compared by its mean error.
    corruptions = [
        pairing.difference(f"ce.{name}" if f"ce.{name}" in scores else f"error.{name}")
        for name in pairing.first.table.corruptions
    ]
    return Comparison(
        pairing.first.model,
        pairing.second.model,
        pairing.first.images,
        pairing.level,
        headlines=tuple(pairing.difference(each.name) for each in PAIRED if each.name in scores),
        corruptions=_corrected(corruptions, 1 - pairing.level),
        cells=tuple(pairing.difference(name) for name in scores if name.startswith("cell.")),
        r_net=pairing.r_net(),
        partial=missing_cells(pairing.first.table),
    )


def _corrected(corruptions: Sequence[Difference], alpha: float) -> tuple[Difference, ...]:
    family = [each for each in corruptions if each.score.partition(".")[2] in CORRUPTIONS]
    p_values = [each.p for each in family if each.p is not None]
    corrected = {each.score: p for each, p in zip(family, holm(p_values), strict=True)}
    return tuple(
        replace(each, p_holm=p, verdict=verdict(each.difference, p < alpha))
        if (p := corrected.get(each.score)) is not None
        else each
        for each in corruptions
    )
