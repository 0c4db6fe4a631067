"""The scores of some models, as data. All scores are per cent; one that cannot be known is None."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ppbench.errors import unknown
from ppbench.scoring.names import CORRUPTIONS, SEVERITIES, check_known
from ppbench.scoring.normaliser import Normaliser

BOLD_FOOTNOTE = "better than every other model beyond the 95 % interval of their paired difference"

SCHEMA_VERSION = 1
"""Of the dict that `Scores.to_dict` returns, which is the content of scores.json."""

INTERVAL_FOOTNOTE = (
    "95 % over images: Wilson's for the clean error, for the others a bootstrap that draws images, not cells, and "
    "includes the uncertainty of a measured normaliser"
)


@dataclass(frozen=True)
class CorruptionScore:
    """The scores of a model on one corruption, over the severities that were measured.

    Attributes:
        corruption: its name.
        severities: the measured ones, rising.
        mean_error: mean over them, per cent.
        ce: Σ_s err / Σ_s err of the normaliser, per cent.
        relative_ce: the same with the clean errors taken off, per cent.
        slope: by how many points the error rises per severity (least squares); None with one severity.
    """

    corruption: str
    severities: tuple[int, ...]
    mean_error: float
    ce: float | None
    relative_ce: float | None
    slope: float | None

    def to_dict(self) -> dict[str, Any]:
        """Return the row as JSON knows it."""
        return {
            "severities": list(self.severities),
            "mean_error": self.mean_error,
            "ce": self.ce,
            "relative_ce": self.relative_ce,
            "slope": self.slope,
        }


@dataclass(frozen=True)
class ModelScores:
    """The scores of one model.

    Attributes:
        model: its name.
        clean_error: E, per cent; None if it was not measured.
        mean_error: plain mean over the measured cells of the 15 corruptions; None without any.
        mce: mean of CE over the measured ones of the 15 corruptions.
        relative_mce: mean of relative CE over those of the 15 corruptions that have one.
        r_net: against the baseline model; None without one.
        corruptions: the measured ones of the 15, in order.
        extra: the measured ones of the 4 extra corruptions, which are in no mean.
        plugins: those of third parties, which are in no mean either.
        others: those that a published set has beside the 15 + 4, which are in no mean either.
        partial: what of the 15 × 5 cells and the clean images is missing, one text each; empty if nothing is.
        notes: why a score is None, or over fewer corruptions than were measured.
        intervals: 95 % interval (low, high) of scores by name, as in `by_name`; empty where only the counts are
            known, not which images they are of.
    """

    model: str
    clean_error: float | None
    mean_error: float | None
    mce: float | None
    relative_mce: float | None
    r_net: float | None
    corruptions: tuple[CorruptionScore, ...]
    extra: tuple[CorruptionScore, ...]
    plugins: tuple[CorruptionScore, ...]
    others: tuple[CorruptionScore, ...]
    partial: tuple[str, ...]
    notes: tuple[str, ...]
    intervals: Mapping[str, tuple[float, float]] = field(default_factory=dict)

    def row(self, corruption: str) -> CorruptionScore | None:
        """Return the scores on one corruption of any kind, None if it was not measured.

        Raises:
            InputError: there is no such corruption; the near miss is suggested.
        """
        check_known(corruption, (row.corruption for row in self.rows))
        return next((row for row in self.rows if row.corruption == corruption), None)

    @property
    def rows(self) -> tuple[CorruptionScore, ...]:
        """The scores of every corruption that was measured: of the 15, the extra ones, plug-ins and others."""
        return (*self.corruptions, *self.extra, *self.plugins, *self.others)

    @property
    def benchmark_cells(self) -> tuple[tuple[str, tuple[int, ...]], ...]:
        """What its means are over: (corruption, severities) of those of the 15 that were measured."""
        return tuple((row.corruption, row.severities) for row in self.corruptions)

    @property
    def by_name(self) -> dict[str, float]:
        """Every score that is known, under the name rules and comparisons call it by: ``mce``, ``ce.fog``."""
        named = {
            "clean": self.clean_error,
            "mean_error": self.mean_error,
            "mce": self.mce,
            "relative_mce": self.relative_mce,
            "r_net": self.r_net,
        }
        for row in self.rows:
            named[f"error.{row.corruption}"] = row.mean_error
            named[f"ce.{row.corruption}"] = row.ce
            named[f"relative_ce.{row.corruption}"] = row.relative_ce
        return {name: value for name, value in named.items() if value is not None}

    def to_dict(self) -> dict[str, Any]:
        """Return the scores as JSON knows them."""
        return {
            "model": self.model,
            "clean_error": self.clean_error,
            "mean_error": self.mean_error,
            "mce": self.mce,
            "relative_mce": self.relative_mce,
            "r_net": self.r_net,
            "corruptions": {row.corruption: row.to_dict() for row in self.corruptions},
            "extra": {row.corruption: row.to_dict() for row in self.extra},
            "plugins": {row.corruption: row.to_dict() for row in self.plugins},
            "others": {row.corruption: row.to_dict() for row in self.others},
            "partial": list(self.partial),
            "notes": list(self.notes),
            "intervals": {name: list(ends) for name, ends in self.intervals.items()},
        }


@dataclass(frozen=True)
class Scores:
    """The scores of some models, what they were divided by, and what they were compared with.

    Attributes:
        models: in the order of the tables they come from.
        normaliser: what CE divides by; None: there is no CE and no mCE.
        baseline: the model R_net compares with; None: there is no R_net.
        notes: what holds for all models.
        leaders: score by name -> the model that is better than every other by more than chance; empty where only the
            counts are known, not which images they are of.
    """

    models: tuple[ModelScores, ...]
    normaliser: Normaliser | None
    baseline: str | None
    notes: tuple[str, ...]
    leaders: Mapping[str, str] = field(default_factory=dict)

    def __getitem__(self, model: str) -> ModelScores:
        """Return the scores of a model by its name.

        Raises:
            InputError: there is none of that name.
        """
        for scores in self.models:
            if scores.model == model:
                return scores
        raise unknown("model", model, [scores.model for scores in self.models])

    def __iter__(self) -> Iterator[str]:
        """Yield the names of the models, as a dictionary would."""
        return (scores.model for scores in self.models)

    def __len__(self) -> int:
        """Return the number of models."""
        return len(self.models)

    def __contains__(self, model: object) -> bool:
        """Return whether there is a model of this name."""
        return any(scores.model == model for scores in self.models)

    def items(self) -> Iterator[tuple[str, ModelScores]]:
        """Yield each model's name and scores."""
        return ((scores.model, scores) for scores in self.models)

    @property
    def misses_cells(self) -> bool:
        """Whether any model was measured on less than the benchmark's 15 corruptions at 5 severities."""
        cells = [sum(len(row.severities) for row in model.corruptions) for model in self.models]
        return any(count < len(CORRUPTIONS) * len(SEVERITIES) for count in cells)

    @property
    def same_cells(self) -> bool:
        """Whether all models were measured on the same of the benchmark's cells: else no mean can be compared."""
        return len({model.benchmark_cells for model in self.models}) < 2

    def with_intervals(
        self,
        intervals: Mapping[str, Mapping[str, tuple[float, float]]],
        leaders: Mapping[str, str] | None = None,
    ) -> "Scores":
        """Return the same scores with intervals, model -> score -> (low, high), and `leaders`.

        See `intervals_of` and `leaders_of`.
        """
        models = tuple(replace(model, intervals=intervals.get(model.model, {})) for model in self.models)
        return replace(self, models=models, leaders=leaders or {})

    def to_dict(self) -> dict[str, Any]:
        """Return the scores as JSON knows them: dicts, lists, numbers, None; never NaN."""
        normaliser = None
        if self.normaliser is not None:
            normaliser = {
                "name": self.normaliser.name,
                "description": self.normaliser.description,
                "source": self.normaliser.source,
                "clean_error": self.normaliser.clean,
            }
        return {
            "schema_version": SCHEMA_VERSION,
            "unit": "per cent",
            "normaliser": normaliser,
            "baseline_model": self.baseline,
            "models": [scores.to_dict() for scores in self.models],
            "notes": list(self.notes),
        }
