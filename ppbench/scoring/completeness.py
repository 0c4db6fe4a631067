"""What of the benchmark's 15 × 5 cells and clean images a table lacks, in words."""

from collections.abc import Sequence

from ppbench.scoring.errors_table import ErrorTable
from ppbench.scoring.names import CORRUPTIONS, SEVERITIES


def missing(table: ErrorTable) -> tuple[str, ...]:
    """Return one text per kind of thing that is missing; empty for a complete table.

    The 4 extra corruptions belong to no mean, so they are never missing.
    """
    return (*(() if table.clean is not None else ("the clean error is missing",)), *missing_cells(table))


def missing_cells(table: ErrorTable) -> tuple[str, ...]:
    """Return the same of the 15 × 5 cells alone, which the means are over."""
    texts = []
    present = {name: found for name in CORRUPTIONS if (found := tuple(table.errors_of(name)))}
    if len(present) < len(CORRUPTIONS):
        texts.append(_missing_corruptions(present))
    subsets = set(present.values())
    if len(subsets) == 1 and subsets != {SEVERITIES}:
        texts.append(f"severities {listed(subsets.pop())} of {listed(SEVERITIES)}")
    elif len(subsets) > 1:
        short = {name: severities for name, severities in present.items() if severities != SEVERITIES}
        texts.extend(
            f"{name}: severities {listed(found)} of {listed(SEVERITIES)}" for name, found in short.items()
        )
    return tuple(texts)


def _missing_corruptions(present: Sequence[str] | dict[str, tuple[int, ...]]) -> str:
    count = f"{len(present)} of {len(CORRUPTIONS)} corruptions"
    if not present:
        return count
    absent = [name for name in CORRUPTIONS if name not in present]
    # Whichever list is the shorter one to read.
    return f"{count}: " + (
        f"without {listed(absent)}" if len(absent) < len(present) else f"only {listed(list(present))}"
    )


def listed(items: Sequence[object]) -> str:
    """Return the items with commas between them."""
    return ", ".join(str(item) for item in items)
