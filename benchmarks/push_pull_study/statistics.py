"""From the answers of all networks to what the study says, with intervals over images."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import stats

from benchmarks.push_pull_study.plan import Network, Study, Variant
from ppbench.scoring.bootstrap import interval, resampled_errors
from ppbench.scoring.formulas import r_net
from ppbench.scoring.names import CORRUPTIONS, GROUPS, SEVERITIES
from ppbench.scoring.normaliser import Normaliser
from ppbench.scoring.outcomes import Outcomes

Floats = npt.NDArray[np.float64]
Drawn = Mapping[str, Floats]
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

    def over_seeds(self) -> tuple[float, float]:
        """Return the 95 % interval over trainings, by Student's t: another seed, the same images; of two or more."""
        assert self.spread is not None
        count = len(self.seeds)
        reach = float(stats.t.ppf(0.975, count - 1)) * self.spread / math.sqrt(count)
        return self.value - reach, self.value + reach

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain values, for JSON."""
        return {**asdict(self), "over_seeds": None if self.spread is None else self.over_seeds()}


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
            "figures": {name: one.to_dict() for name, one in self.figures.items()},
            "differences": {name: one.to_dict() for name, one in self.differences.items()},
        }


def rows(study: Study, outcomes: Mapping[Network, Outcomes], normaliser: Normaliser) -> list[Row]:
    """Return a row for each variant of which there is a network.

    Args:
        study: whose variants they are.
        outcomes: of every network, right or wrong on the same images of the clean row and all 75 cells.
        normaliser: whose errors the mCE is divided by.
    """
    drawn = {key: _figures(_with_point(one), normaliser) for key, one in outcomes.items()}
    by_seed = {
        variant: {seed: drawn[each, seed] for each, seed in drawn if each == variant}
        for variant in study.variants
    }
    made = []
    for variant, networks in by_seed.items():
        if not networks:
            continue
        pairs = {each: _pairs(networks, by_seed[each]) for each in (study.plain, study.baseline_of(variant))}
        figures = _measured_by_name(list(networks.values()))
        if variant != study.plain and pairs[study.plain]:
            figures["R_net"] = _measured([_r_net(one, plain) for one, plain in pairs[study.plain]])
        own = [] if variant == study.baseline_of(variant) else pairs[study.baseline_of(variant)]
        # Variant minus baseline: paired over images, and seed by seed.
        differences = [{name: one[name] - base[name] for name in one} for one, base in own]
        made.append(Row(variant, figures, _measured_by_name(differences)))
    return made


def _pairs(networks: Mapping[int, Drawn], others: Mapping[int, Drawn]) -> list[tuple[Drawn, Drawn]]:
    """Return networks with those of the same seed, of the seeds that both have."""
    return [(one, others[seed]) for seed, one in networks.items() if seed in others]


def _with_point(outcomes: Outcomes) -> dict[tuple[str, int], Floats]:
    """Return each cell's error, per cent: as measured first, then in each resample; the same draws for all networks."""
    resampled = resampled_errors(outcomes.wrong)
    point = 100.0 * outcomes.wrong.mean(axis=1)
    return {
        cell: np.concatenate([point[row : row + 1], resampled[:, row]]) for cell, row in outcomes.row.items()
    }


def _figures(errors: Mapping[tuple[str, int], Floats], normaliser: Normaliser) -> dict[str, Floats]:
    """Return clean error, mean error, mCE, and mean errors of groups, corruptions and severities, (1 + resamples,)."""
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
        **of_corruption,
        **{
            severity_name(severity): np.mean([errors[name, severity] for name in CORRUPTIONS], axis=0)
            for severity in SEVERITIES
        },
    }


def severity_name(severity: int) -> str:
    """Return what the figures call the mean error over the 15 corruptions at a severity."""
    return f"severity {severity}"


def _measured(networks: Sequence[Floats]) -> Measured:
    """Return the mean over networks, each (1 + resamples,) with the measured value first."""
    mean = np.mean(networks, axis=0)
    low, high = interval(mean[1:])
    points = tuple(float(network[0]) for network in networks)
    spread = float(np.std(points, ddof=1)) if len(points) > 1 else None
    return Measured(float(mean[0]), low, high, spread, points)


def _measured_by_name(networks: Sequence[Drawn]) -> dict[str, Measured]:
    return {
        name: _measured([network[name] for network in networks]) for name in (networks[0] if networks else ())
    }


def _r_net(one: Drawn, plain: Drawn) -> Floats:
    """Return R_net of a network against the plain baseline."""
    elementwise = np.vectorize(r_net, otypes=[np.float64])
    found: Floats = elementwise(
        *(each[name] for each in (one, plain) for name in ("clean error", "mean error"))
    )
    return found
