"""A comparison of two models as a table, and as rows for a spreadsheet."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any, Final

from ppbench.reporting.csv_table import csv_text
from ppbench.reporting.table import (
    Cell,
    Column,
    Document,
    Notes,
    Row,
    Section,
    Table,
    Tone,
    ends,
    number,
    signed,
)
from ppbench.scoring.comparison import Comparison
from ppbench.scoring.headlines import PAIRED, R_NET, decimals_of
from ppbench.scoring.pairing import Difference

FORMATS: Final = ("md", "csv", "latex", "json")
"""What `ppbench compare --format` can be."""

_WIDE = 92
"""From this width on there is room for both models' values and the p-value."""

_MIDDLE = 76
"""From this width on there is room for both models' values."""

_TONES: dict[str, Tone] = {"better": "good", "worse": "bad", "undecided": "open"}


def document(comparison: Comparison, facts: Iterable[tuple[str, str]] = ()) -> Document:
    """Return what is decided, score by score.

    Args:
        comparison: what to show.
        facts: what it rests on: (label, text), from the caller.
    """
    partial = bool(comparison.partial)
    titles = {each.name: each.titled(partial=partial) for each in PAIRED}
    part = corruption_heading(comparison)
    names = [(each, each.score.partition(".")[2]) for each in comparison.corruptions]
    table = Table(
        f"{comparison.second} against {comparison.first}",
        "score",
        (
            Column(comparison.first, room=_MIDDLE, short="first"),
            Column(comparison.second, room=_MIDDLE, short="second"),
            Column("difference"),
            Column("interval"),
            Column("p", room=_WIDE),
            Column("verdict", "text"),
        ),
        (
            Section("", tuple(_row(each, titles[each.score]) for each in comparison.headlines)),
            Section(part, tuple(_row(each, name, f"{part} {name}") for each, name in names), ruled=True),
        ),
    )
    notes = (*explanations(comparison), *facts)
    return Document(f"{comparison.second} against {comparison.first}", (table,), notes, notes)


def _row(each: Difference, title: str, alone: str = "") -> Row:
    decimals = decimals_of(each.score)
    p = each.p if each.p_holm is None else each.p_holm
    found = ends((each.low, each.high), decimals, signs=True)
    assert found is not None
    cells = (
        Cell(number(each.first, decimals)),
        Cell(number(each.second, decimals)),
        Cell(signed(each.difference, decimals)),
        Cell(f"[{found[0]}, {found[1]}]"),
        Cell("" if p is None else "<0.001" if p < 0.001 else f"{p:.3f}"),
        Cell(each.verdict, strong=each.verdict != "undecided", tone=_TONES[each.verdict]),
    )
    return Row(title, cells, alone)


def corruption_heading(comparison: Comparison) -> str:
    """Return what the corruptions are compared in."""
    return "CE" if any(each.score.startswith("ce.") for each in comparison.corruptions) else "mean error"


def explanations(comparison: Comparison) -> Notes:
    """Return what stands below the table: (label, text)."""
    percent = f"{100 * comparison.level:g} %"
    verdicts = Counter(each.verdict for each in comparison.cells)
    counts = ", ".join(f"{verdicts[name]} {name}" for name in ("better", "worse", "undecided"))
    alpha = f"{100 * (1 - comparison.level):g} %"
    family = sum(each.p_holm is not None for each in comparison.corruptions)
    corrected = f"corrected for all {family} together by Holm, " if family > 1 else ""
    difference = (
        f"second ({comparison.second}) − first ({comparison.first}), in points, paired on the same "
        f"{comparison.images:,} images; below 0 the second is better"
    )
    verdict = (
        f"a corruption by its exact sign-flip test, {corrected}at {alpha}; so the mean error, and the clean error by "
        "McNemar's exact test"
    )
    if any(each.p is None for each in comparison.headlines):
        verdict += "; mCE by whether the interval holds 0"
    lines = [
        ("difference", difference),
        ("interval", f"{percent}: a bootstrap over images; Bonett & Price's for the clean error"),
        ("verdict", verdict),
        ("cells", f"{counts} (McNemar's exact test at {alpha}, each by itself)"),
        *(("partial", text) for text in comparison.partial),
    ]
    if comparison.r_net is not None:
        value, low, high = comparison.r_net
        name = "partial R_net" if comparison.partial else "R_net"
        shown, *bounds = (number(each, R_NET.decimals) for each in (value, low, high))
        lines.insert(0, (name, f"{shown} [{', '.join(bounds)}] of the second against the first"))
    return tuple(lines)


def csv_of(comparisons: Sequence[Comparison]) -> str:
    """Return a row per pair of models and score, cells too, in full precision; an unknown p-value is empty.

    Columns: ``first_model``, ``second_model``, those of `Difference`, ``images``, and ``partial``: what of the
    benchmark is missing from every mean of the row's comparison.
    """
    rows: list[dict[str, Any]] = [
        {
            "first_model": pair.first,
            "second_model": pair.second,
            **asdict(each),
            "images": pair.images,
            "partial": "; ".join(pair.partial),
        }
        for pair in comparisons
        for each in (*pair.headlines, *pair.corruptions, *pair.cells)
    ]
    return csv_text(list(rows[0]), rows)
