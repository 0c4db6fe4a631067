"""What a lone errors file says about where its numbers come from: little, and no more is claimed."""

from collections.abc import Sequence
from pathlib import Path

from ppbench.reporting.provenance_line import TableContext
from ppbench.scoring.errors_table import ErrorTable


def context_of(path: Path, tables: Sequence[ErrorTable]) -> TableContext:
    """Return the context of a table made from `path` alone: its name and, if all cells agree on it, n."""
    cells = [cell for table in tables for cell in (*table.cells.values(), table.clean) if cell is not None]
    counts = {cell.n for cell in cells}
    known = sorted(count for count in counts if count is not None)
    images = known[0] if len(counts) == 1 and known else None
    notes = (f"cells hold between {known[0]:,} and {known[-1]:,} images",) if len(known) > 1 else ()
    return TableContext(data=str(path), images=images, notes=notes)
