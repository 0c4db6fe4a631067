"""Which cells a run evaluates: the grammar of `--corruptions` and `--severities`, and the plan."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from ppbench.errors import InputError, unknown
from ppbench.scoring.names import ALL, CORRUPTIONS, EXTRA, GROUPS, PLUGIN, SEVERITIES, in_order


@dataclass(frozen=True, order=True)
class CellId:
    """One corruption at one severity; severity 0 of `clean` is the clean row."""

    corruption: str
    severity: int


CLEAN = CellId("clean", 0)


def parse_corruptions(
    wanted: str | Iterable[str], plugins: Callable[[], Iterable[str]] = tuple
) -> tuple[str, ...]:
    """Return the corruptions that a selection names, in benchmark order, each once.

    A selection is a list, or text with commas, of corruption names, group names (``noise``, ``blur``, ``weather``,
    ``digital``), ``benchmark`` (the 15), ``extra`` (the other 4) or ``all`` (15 + 4). A plug-in is named
    with or without its prefix ``plugin:``.

    Args:
        wanted: the selection.
        plugins: the names of third parties' corruptions, without the prefix; asked only for a name that is not ours.

    Raises:
        InputError: a name that is none of these, or an empty selection.
    """
    collections = {"benchmark": CORRUPTIONS, "extra": EXTRA, "all": ALL, **GROUPS}
    chosen: set[str] = set()
    for word in _words(wanted):
        if word in collections:
            chosen.update(collections[word])
        elif word in ALL:
            chosen.add(word)
        else:
            known = list(plugins())
            if word.removeprefix(PLUGIN) not in known:
                raise unknown("corruption", word, [*ALL, *collections, *known])
            chosen.add(PLUGIN + word.removeprefix(PLUGIN))
    if not chosen:
        raise InputError("no corruption named: leave out --corruptions for all 15")
    return in_order(chosen)


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
