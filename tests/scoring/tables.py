"""Error tables for the tests of scores: full ones, drawn ones, published ones."""

from pathlib import Path
from random import Random

from hypothesis import strategies as st

from ppbench.scoring.cell import Cell
from ppbench.scoring.errors_table import ErrorTable
from ppbench.scoring.names import CORRUPTIONS, SEVERITIES


def stated(model: str, rows: dict[str, list[float]], clean: float | None) -> ErrorTable:
    """A table of stated errors (per cent), five severities a row."""
    cells = {
        (c, s): Cell.of_error(e) for c, row in rows.items() for s, e in zip(SEVERITIES, row, strict=True)
    }
    return ErrorTable(model, None if clean is None else Cell.of_error(clean), cells)


def published_2020(folder: Path, clean: float) -> ErrorTable:
    """The published CIFAR-10-C errors of a 2020 checkpoint: C_details.txt holds fractions, 19 × 5."""
    rows = {}
    for line in (folder / "C_details.txt").read_text().splitlines():
        name, _, values = line.partition(":")
        if values:
            rows[name] = [100 * float(value) for value in values.split()]
    assert len(rows) == 19
    return stated(folder.name, rows, clean)


def subset(table: ErrorTable, corruptions=None, severities=SEVERITIES) -> ErrorTable:
    """The table with some of its cells only."""
    kept = {
        (c, s): cell
        for (c, s), cell in table.cells.items()
        if s in severities and (corruptions is None or c in corruptions)
    }
    return ErrorTable(table.model, table.clean, kept)


@st.composite
def counted_tables(draw, model="m", corruptions=CORRUPTIONS, n=500, least=1):
    """A table of counts over all severities of some corruptions.

    The counts come from a drawn seed, not one by one: hypothesis then shrinks one number, not a hundred.
    """
    random = Random(draw(st.integers(0, 2**32)))  # noqa: S311  made-up counts, no secrets
    most = draw(st.sampled_from([least, least + 3, n]))
    cells = {(c, s): Cell(n, random.randint(least, most)) for c in corruptions for s in SEVERITIES}
    return ErrorTable(model, Cell(n, random.randint(0, most)), cells)
