"""The mean over each of the benchmark's four groups: noise, blur, weather, digital."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import fsum

import numpy as np

from ppbench.scoring.bootstrap import LEVEL, Floats, interval
from ppbench.scoring.names import GROUPS
from ppbench.scoring.scorecard import ModelScores


@dataclass(frozen=True)
class GroupScore:
    """A model's mean over the measured corruptions of a group.

    Attributes:
        group: its name.
        corruptions: those that were measured.
        value: mean of their CE, or of their mean errors, per cent; every corruption counts the same.
        interval: 95 % interval over images; None where the value has none.
    """

    group: str
    corruptions: tuple[str, ...]
    value: float
    interval: tuple[float, float] | None


def group_scores(
    model: ModelScores, values: Mapping[str, Floats], part: str, level: float = LEVEL
) -> tuple[GroupScore, ...]:
    """Return the mean of each group of which every measured corruption has the score.

    Args:
        model: its scores.
        values: the same model's scores in each resample, by name, as of `resampled_scores`.
        part: which score of a corruption: ``"ce"`` or ``"error"``.
        level: of the intervals.
    """
    known = model.by_name
    found = []
    for group, members in GROUPS.items():
        measured = tuple(name for name in members if model.row(name) is not None)
        names = [f"{part}.{name}" for name in measured]
        if not names or any(name not in known for name in names):
            continue
        ends = None
        if all(name in values for name in names):
            ends = interval(np.mean([values[name] for name in names], axis=0), level)
        found.append(GroupScore(group, measured, fsum(known[name] for name in names) / len(names), ends))
    return tuple(found)
