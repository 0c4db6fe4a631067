"""The severity constants of a protocol, as a terminal shows them."""

import sys
from collections.abc import Mapping, Sequence
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from ppbench.scoring.names import SEVERITIES


def show(protocol: str, size: int, storage_quality: int | None, rows: Sequence[Mapping[str, Any]]) -> None:
    """Print one line for each parameter of each corruption: name, group, values at severities 1 to 5.

    Args:
        protocol: its name.
        size: side of its published images in pixels.
        storage_quality: JPEG quality of its published files; None where they hold raw pixels.
        rows: ``name``, ``group`` and ``constants``: five mappings from parameter to value.
    """
    stored = "as raw pixels" if storage_quality is None else f"as JPEG of quality {storage_quality}, 4:2:0"
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=(0, 1))
    for heading in ("corruption", "group", "parameter"):
        table.add_column(heading, no_wrap=True)
    for severity in SEVERITIES:
        table.add_column(str(severity), justify="right", no_wrap=True)
    for row in rows:
        # Those of a plug-in may be none, or not the same at each severity.
        parameters = list(dict.fromkeys(name for constants in row["constants"] for name in constants))
        for number, parameter in enumerate(parameters or [""]):
            values = (_text(constants.get(parameter, "")) for constants in row["constants"])
            table.add_row(*((row["name"], row["group"]) if number == 0 else ("", "")), parameter, *values)
    console = Console(file=sys.stdout, highlight=False)
    console.print(f"{protocol}: {size} x {size} pixels, published {stored}; severities 1 to 5")
    console.print(table)


def _text(value: object) -> str:
    return f"{value:g}" if isinstance(value, int | float) else str(value)
