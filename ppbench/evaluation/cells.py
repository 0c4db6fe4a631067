"""Which cells a run evaluates: the grammar of `--corruptions` and `--severities`, and the plan."""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass

from ppbench.errors import InputError, unknown
from ppbench.scoring.names import (
    ALL,
    CORRUPTIONS,
    EXTRA,
    GROUPS,
    OTHER,
    PLUGIN,
    SEVERITIES,
    in_order,
    is_other_name,
    taken_for,
)


@dataclass(frozen=True, order=True)
class CellId:
    """One corruption at one severity; severity 0 of `clean` is the clean row."""

    corruption: str
    severity: int


CLEAN = CellId("clean", 0)


def parse_corruptions(
    wanted: str | Iterable[str],
    plugins: Callable[[], Iterable[str]] = tuple,
    there: Callable[[], Collection[str]] = tuple,
) -> tuple[str, ...]:
    """Return the corruptions that a selection names, in benchmark order, each once.

    A selection is a list, or text with commas, of corruption names, group names (``noise``, ``blur``, ``weather``,
    ``digital``), ``benchmark`` (the 15), ``extra`` (the other 4), ``all`` (15 + 4) or ``others``: what a published set
    has beside these. A plug-in is named with or without its prefix ``plugin:``, another corruption of a published set
    with or without its prefix ``other:``. Of a set that has others only, ``benchmark`` are the others.

    Args:
        wanted: the selection.
        plugins: the names of third parties' corruptions, without the prefix; asked only for a name that is not ours.
        there: what the corruptions of the published set are called in it; asked only where it matters.

    Raises:
        InputError: a name that is none of these, a name of the set that is a slip of one of ours, or no name.
    """
    collections = {"benchmark": CORRUPTIONS, "extra": EXTRA, "all": ALL, **GROUPS}
    words = _words(wanted)
    if words == ["benchmark"] and has_others_only(there()):
        words = [OTHERS]
    chosen: set[str] = set()
    for word in words:
        if word in collections:
            chosen.update(collections[word])
        elif word in ALL:
            chosen.add(word)
        elif word == OTHERS:
            chosen.update(OTHER + _no_slip(name) for name in _others(there()))
        else:
            chosen.add(_outside(word, plugins, there, [*ALL, *collections, OTHERS]))
    if not chosen:
        raise InputError("no corruption named: leave out --corruptions for all 15")
    return in_order(chosen)


OTHERS = "others"
"""The selection of a published set's corruptions that are none of the 15 + 4."""


def has_others_only(there: Collection[str]) -> bool:
    """Return whether a published set has corruptions, and none of the 15 + 4 among them, as 3DCC and C-bar.

    Args:
        there: what its corruptions are called in it.
    """
    return bool(there) and not any(name in ALL or taken_for(name) for name in there)


def _others(there: Collection[str]) -> list[str]:
    others = sorted(name for name in there if is_other_name(name))
    if not others:
        raise InputError(
            f"--corruptions {OTHERS}: this set has no corruptions beside the 15 + 4 of the benchmark: leave it out"
        )
    return others


def _no_slip(name: str) -> str:
    """Return a name of a published set's own; refuse one that is a slip of a corruption's of the benchmark."""
    if (meant := taken_for(name)) is not None:
        raise InputError(
            f"{name}: a corruption of this set is called so, and it is none of the 15 + 4: is {meant} meant? rename "
            f"it, or name {OTHER}{name} to have it scored on its own, in no mean"
        )
    return name


def _outside(
    word: str,
    plugins: Callable[[], Iterable[str]],
    there: Callable[[], Collection[str]],
    ours: Sequence[str],
) -> str:
    """Return what tables call a corruption that is none of ours: a plug-in's, or one of the published set's own.

    Raises:
        InputError: it is neither.
    """
    known = [] if word.startswith(OTHER) else list(plugins())
    if word.removeprefix(PLUGIN) in known:
        return PLUGIN + word.removeprefix(PLUGIN)
    others = [] if word.startswith(PLUGIN) else [name for name in there() if is_other_name(name)]
    if word in others:
        return OTHER + _no_slip(word)
    if word.startswith(OTHER) and word.removeprefix(OTHER) in others:
        return word
    raise unknown("corruption", word, [*ours, *known, *others])


def parse_severities(wanted: str | int | Iterable[int]) -> tuple[int, ...]:
    """Return the severities that a selection names, ascending, each once: ``"1,3,5"``, ``"2-4"``, ``3``, ``[1, 5]``.

    Raises:
        InputError: anything that is not a whole number from 1 to 5, or an empty selection.
    """
    chosen: set[int] = set()
    for word in _words(wanted):
        first, dash, last = word.partition("-")
        low, high = _severity(first, word), _severity(last if dash else first, word)
        if low > high:
            raise InputError(f"expected severities as LOW-HIGH, got {word!r}")
        chosen.update(range(low, high + 1))
    if not chosen:
        raise InputError("no severity named: leave out --severities for all five")
    return tuple(sorted(chosen))


def plan(corruptions: Iterable[str], severities: Sequence[int], *, clean: bool) -> list[CellId]:
    """Return the cells of a run in the order they are evaluated, the clean row first where there is one."""
    cells = [CellId(corruption, severity) for corruption in corruptions for severity in severities]
    return [CLEAN, *cells] if clean else cells


def title(cell: CellId) -> str:
    """Return a cell's name for people: ``fog 3``, ``clean``."""
    return cell.corruption if cell == CLEAN else f"{cell.corruption} {cell.severity}"


def _words(wanted: object) -> list[str]:
    """Return the words of a selection: a text with commas, one thing, or several things."""
    parts = [wanted] if isinstance(wanted, str) or not isinstance(wanted, Iterable) else wanted
    return [word.strip() for part in parts for word in str(part).split(",") if word.strip()]


def _severity(text: str, word: str) -> int:
    if text.strip() not in {str(severity) for severity in SEVERITIES}:
        raise InputError(f"expected severities from 1 to 5, got {word!r}: write 1-5 or 1,3,5")
    return int(text)
