"""From error tables to scores: clean error, mean error, CE, mCE, relative CE and mCE, R_net.

The formulas are Hendrycks & Dietterich's (ICLR 2019, section 3): severities are summed first, then divided,
and the mean over corruptions comes last. With fewer severities or corruptions than all, the same subset of
the normaliser is used, and `partial` says what is missing. A score that cannot be known is None, and `notes`
says why: never a silent wrong number.
"""

from collections.abc import Mapping, Sequence
from math import fsum, sqrt
from os import PathLike, fspath
from pathlib import Path

from ppbench.errors import InputError, unknown
from ppbench.scoring.completeness import listed, missing
from ppbench.scoring.errors_table import ErrorTable, read_errors_csv
from ppbench.scoring.formulas import ce as ce_of
from ppbench.scoring.formulas import r_net, relative_ce
from ppbench.scoring.names import CORRUPTIONS, EXTRA, OTHER, PLUGIN, in_order
from ppbench.scoring.normaliser import Normaliser, choose_normaliser
from ppbench.scoring.scorecard import CorruptionScore, ModelScores, Scores

NEAR_ZERO = 0.1
"""No relative CE where the normaliser's error rises by less than this many points per severity."""

CERTAIN = 3.0
"""No relative CE where that rise is less than so many of its standard errors: its quotient would be by noise."""

MEAN_ERROR_FOOTNOTE = "mean error: the plain mean over corruptions and severities, not normalised."

PAPER_FOOTNOTE = (
    "The push-pull paper's “mCE 49.95 %” on ImageNet-C is by all evidence such a mean error; it cannot be compared "
    "with an mCE."
)
"""Follows `MEAN_ERROR_FOOTNOTE` where the rows of that paper stand."""

R_NET_FOOTNOTE = (
    "R_net = 100·[(E_b − E) + (ME_b − ME)] / (2·E_b), with clean error E, mean error ME and baseline b: "
    "inferred from the push-pull paper's table, not quoted from its text."
)


def score(
    tables: Sequence[ErrorTable] | str | PathLike[str],
    normaliser: Normaliser | str | PathLike[str] | None = None,
    baseline: str | None = None,
) -> Scores:
    """Score some models' errors. Pure: the same tables give the same scores, to the last bit.

    Args:
        tables: one per model, of different names; or the path of an errors file (`read_errors_csv`).
        normaliser: what CE divides by; or the name of a shipped one, ``"measured"``, ``"none"`` or the path of a file
            (`choose_normaliser`). Without it there is no CE and no mCE.
        baseline: the model that R_net compares with, one of the tables; without it there is no R_net.

    Raises:
        InputError: no table, two of one name, a baseline that is not among them, or a file or a name that is wrong.
    """
    if isinstance(tables, str | PathLike):
        tables = read_errors_csv(Path(tables).expanduser())
    if isinstance(normaliser, str | PathLike):
        normaliser = choose_normaliser(fspath(normaliser), tables)
    names = [table.model for table in tables]
    if not names:
        raise InputError("no model to score")
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise InputError(f"two models are called {twice!r}: give them different names")
    if baseline is not None and baseline not in names:
        raise unknown("baseline model", baseline, names)
    base = None if baseline is None else tables[names.index(baseline)]
    notes = []
    if normaliser is None:
        notes.append("no normaliser: CE, mCE and their relative forms are not defined")
    if len({frozenset(_benchmark_cells(table)) for table in tables}) > 1:
        notes.append("the models were measured on different cells: their means cannot be compared")
    models = tuple(_score_model(table, normaliser, base) for table in tables)
    return Scores(models, normaliser, baseline, tuple(notes))


def mean_error(table: ErrorTable) -> float | None:
    """Return the plain mean (per cent) over the measured cells of the 15 corruptions, not normalised."""
    return _mean([table.cells[key].error for key in _benchmark_cells(table)])


def _score_model(table: ErrorTable, normaliser: Normaliser | None, base: ErrorTable | None) -> ModelScores:
    # What could not be scored -> why; corruptions of one reason share a note.
    ce_why: dict[str, str] = {}
    relative_why: dict[str, str] = {}
    scored = {
        name: _score_corruption(table, name, normaliser, ce_why, relative_why) for name in table.corruptions
    }
    rows = tuple(scored[name] for name in CORRUPTIONS if name in scored)
    notes = [
        *_grouped("CE", ce_why, len(scored)),
        *_grouped("relative CE", relative_why, len(scored)),
    ]
    ces = [row.ce for row in rows if row.ce is not None]
    relative = [row.relative_ce for row in rows if row.relative_ce is not None]
    if normaliser is not None and any(
        relative_why.get(row.corruption) == _by_chance(normaliser) for row in rows
    ):
        if relative:
            lacking = f"{len(rows) - len(relative)} of the {len(rows)} corruptions have no relative CE"
            notes.append(f"no relative mCE: with so few images {lacking}")
        relative = []  # over the others alone it would be another number, of a set that chance has chosen
    for name, known in (("mCE", ces), ("relative mCE", relative)):
        if known and len(known) < len(rows):
            notes.append(f"{name} is over {len(known)} of the {len(rows)} measured corruptions")
    net, why = (None, None) if base is None else _r_net_of_tables(table, base)
    if why is not None:
        notes.append(f"no R_net: {why}")
    return ModelScores(
        model=table.model,
        clean_error=None if table.clean is None else table.clean.error,
        mean_error=mean_error(table),
        mce=_mean(ces),
        relative_mce=_mean(relative),
        r_net=net,
        corruptions=rows,
        extra=tuple(scored[name] for name in EXTRA if name in scored),
        plugins=tuple(scored[name] for name in in_order(scored) if name.startswith(PLUGIN)),
        others=tuple(scored[name] for name in in_order(scored) if name.startswith(OTHER)),
        partial=missing(table),
        notes=tuple(notes),
    )


def _score_corruption(
    table: ErrorTable,
    corruption: str,
    normaliser: Normaliser | None,
    ce_why: dict[str, str],
    relative_why: dict[str, str],
) -> CorruptionScore:
    """CE_c = Σ_s err(c,s) / Σ_s err_norm(c,s); relative CE_c the same with the clean errors taken off."""
    errors = table.errors_of(corruption)
    severities = tuple(errors)
    count = len(severities)
    total = fsum(errors.values())
    ce = relative = None
    if normaliser is not None:
        under = normaliser.total(corruption, severities)
        if under is None:
            ce_why[corruption] = _why_no_total(normaliser, corruption, severities)
        elif under <= 0:
            ce_why[corruption] = f"{normaliser.name} makes no error there"
        else:
            ce = ce_of(total, under)
            if table.clean is None:
                relative_why[corruption] = "the clean error was not measured"
            elif normaliser.clean is None:
                relative_why[corruption] = f"{normaliser.name} has no clean error"
            elif under / count - normaliser.clean < NEAR_ZERO:
                relative_why[corruption] = f"{normaliser.name} is hardly worse there than on clean images"
            elif _is_uncertain(under / count, normaliser.clean, normaliser.images):
                relative_why[corruption] = _by_chance(normaliser)
            else:
                relative = relative_ce(total, count * table.clean.error, under - count * normaliser.clean)
    return CorruptionScore(corruption, severities, total / count, ce, relative, _slope(errors))


def _by_chance(normaliser: Normaliser) -> str:
    return f"on so few images it may be chance that {normaliser.name} is worse there than on clean ones"


def _is_uncertain(corrupted: float, clean: float, images: int | None) -> bool:
    """Return whether an error that was measured on so many images may be above the clean one by chance.

    The standard error is that of two independent samples of so many images. The same images recur in all cells, in
    which they are mostly right or mostly wrong: the true one is smaller.

    Args:
        corrupted: mean error over the severities, per cent.
        clean: the clean error, per cent.
        images: in each cell; None where the numbers are taken as certain.
    """
    if images is None:
        return False
    variance = corrupted * (100.0 - corrupted) + clean * (100.0 - clean)
    return corrupted - clean < CERTAIN * sqrt(variance / images)


def _slope(errors: Mapping[int, float]) -> float | None:
    """Return the least-squares slope of error over severity, in points per severity."""
    if len(errors) < 2:
        return None
    middle = fsum(errors) / len(errors)
    spread = fsum((severity - middle) ** 2 for severity in errors)
    return fsum((severity - middle) * error for severity, error in errors.items()) / spread


def _why_no_total(normaliser: Normaliser, corruption: str, severities: Sequence[int]) -> str:
    if corruption in normaliser.per_severity:
        known = normaliser.per_severity[corruption]
        return f"{normaliser.name} has no severity {listed([s for s in severities if s not in known])} there"
    if corruption in normaliser.mean:
        return (
            f"{normaliser.name} knows only the mean over five severities, got severities {listed(severities)}"
        )
    return f"{normaliser.name} does not have it"


def _grouped(what: str, why: dict[str, str], measured: int) -> list[str]:
    """Return one note per reason, naming the corruptions it holds for unless it holds for all."""
    reasons: dict[str, list[str]] = {}
    for corruption, reason in why.items():
        reasons.setdefault(reason, []).append(corruption)
    return [
        f"no {what}: {reason}" if len(names) == measured else f"no {what} for {listed(names)}: {reason}"
        for reason, names in reasons.items()
    ]


def _r_net_of_tables(table: ErrorTable, base: ErrorTable) -> tuple[float | None, str | None]:
    """Return R_net, or None and why there is none."""
    mean, base_mean = mean_error(table), mean_error(base)
    if table.clean is None or base.clean is None or mean is None or base_mean is None:
        return None, "it needs the clean error and the mean error of both models"
    if _benchmark_cells(table) != _benchmark_cells(base):
        return None, f"the baseline {base.model} was measured on other cells"
    if base.clean.error == 0:
        return None, f"the baseline {base.model} makes no clean error"
    return r_net(table.clean.error, mean, base.clean.error, base_mean), None


def _benchmark_cells(table: ErrorTable) -> list[tuple[str, int]]:
    return [key for key in table.cells if key[0] in CORRUPTIONS]


def _mean(values: Sequence[float]) -> float | None:
    return fsum(values) / len(values) if values else None
