"""From the answers of all networks to what the study says, with intervals over images."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.cifar10_study.plan import VARIANTS, Variant, baseline_of
from ppbench.scoring.bootstrap import interval, resampled_errors
from ppbench.scoring.names import CORRUPTIONS, GROUPS, SEVERITIES
from ppbench.scoring.normaliser import Normaliser
from ppbench.scoring.outcomes import Outcomes
from ppbench.scoring.scores import r_net

Floats = npt.NDArray[np.float64]
CLEAN = ("clean", 0)


@dataclass(frozen=True)
class Measured:
    """A figure with its interval over images, per cent; and its spread over seeds.

    Attributes:
        value: mean over the seeds.
        low, high: 95 % interval of it, over images: another test set of as many images.
        spread: sample standard deviation over the seeds; None for one seed.
        seeds: the value of each seed.
    """

    value: float
    low: float
    high: float
    spread: float | None
    seeds: tuple[float, ...]


@dataclass(frozen=True)
class Row:
    """What the study says of one variant: figures by name, and its differences from the variant without push-pull."""

    variant: Variant
    figures: Mapping[str, Measured]
    differences: Mapping[str, Measured]

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain values, for JSON."""
        return {
            "label": self.variant.label,
            "model": self.variant.model,
            "recipe": self.variant.recipe,
            "figures": {name: asdict(one) for name, one in self.figures.items()},
            "differences": {name: asdict(one) for name, one in self.differences.items()},
        }


def rows(outcomes: Mapping[tuple[Variant, int], Outcomes], normaliser: Normaliser) -> list[Row]:
    """Return a row for each variant of which there is a network.

    Args:
        outcomes: of every network, right or wrong on the same images of the clean row and all 75 cells.
        normaliser: whose errors the mCE is divided by.
    """
    drawn = {key: _figures(_with_point(one), normaliser) for key, one in outcomes.items()}
    per_variant = {
        variant: [drawn[key] for key in drawn if key[0] == variant]
        for variant in VARIANTS
        if any(key[0] == variant for key in drawn)
    }
    made = []
    plain = per_variant[VARIANTS[0]]
    for variant, networks in per_variant.items():
        figures = {name: _measured([network[name] for network in networks]) for name in networks[0]}
        if variant != VARIANTS[0]:
            figures["R_net"] = _r_net(networks, plain)
        base = per_variant.get(baseline_of(variant))
        differences = {} if base is None or base is networks else _differences(networks, base)
        made.append(Row(variant, figures, differences))
    return made


def _with_point(outcomes: Outcomes) -> dict[tuple[str, int], Floats]:
    """Return each cell's error, per cent: as measured first, then in each resample; the same draws for all networks."""
    resampled = resampled_errors(outcomes.wrong)
    point = 100.0 * outcomes.wrong.mean(axis=1)
    return {
        cell: np.concatenate([point[row : row + 1], resampled[:, row]]) for cell, row in outcomes.row.items()
    }


def _figures(errors: Mapping[tuple[str, int], Floats], normaliser: Normaliser) -> dict[str, Floats]:
    """Return clean error, mean error, mCE and the mean error of each group, each (1 + resamples,)."""
    of_corruption = {
        name: np.mean([errors[name, severity] for severity in SEVERITIES], axis=0) for name in CORRUPTIONS
    }
    ces = []
    for name in CORRUPTIONS:
        total = normaliser.total(name, SEVERITIES)
        assert total is not None  # the shipped table has all 15
        ces.append(100.0 * len(SEVERITIES) * of_corruption[name] / total)
    return {
        "clean error": errors[CLEAN],
        "mean error": np.mean(list(of_corruption.values()), axis=0),
        "mCE": np.mean(ces, axis=0),
        **{
            group: np.mean([of_corruption[name] for name in names], axis=0) for group, names in GROUPS.items()
        },
    }


def _measured(networks: Sequence[Floats]) -> Measured:
    """Return the mean over networks, each (1 + resamples,) with the measured value first."""
    mean = np.mean(networks, axis=0)
    low, high = interval(mean[1:])
    points = tuple(float(network[0]) for network in networks)
    spread = float(np.std(points, ddof=1)) if len(points) > 1 else None
    return Measured(float(mean[0]), low, high, spread, points)


def _differences(
    networks: Sequence[dict[str, Floats]], base: Sequence[dict[str, Floats]]
) -> dict[str, Measured]:
    """Return variant minus baseline: paired over images, and seed by seed where both have it."""
    found = {}
    for name in networks[0]:
        both = zip(networks, base, strict=False)
        per_seed = [one[name] - other[name] for one, other in both]
        found[name] = _measured(per_seed)
    return found


def _r_net(networks: Sequence[dict[str, Floats]], plain: Sequence[dict[str, Floats]]) -> Measured:
    """Return R_net against the plain baseline of the same seed."""
    wanted = ("clean error", "mean error")
    elementwise = np.vectorize(r_net, otypes=[np.float64])
    bases = [plain[min(k, len(plain) - 1)] for k in range(len(networks))]
    return _measured(
        [
            elementwise(*(one[name] for name in wanted), *(base[name] for name in wanted))
            for one, base in zip(networks, bases, strict=True)
        ]
    )
