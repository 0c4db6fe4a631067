"""`ppbench export`: runs in long form, for pandas, R or a spreadsheet."""

from pathlib import Path
from typing import Annotated

import typer

from ppbench.cli.options import Runs, option


def export_command(
    runs: Runs,
    csv: Annotated[bool, option("Output", "As CSV, to stdout without --out.", "--csv")] = False,
    parquet: Annotated[
        bool,
        option("Output", "As Parquet, to errors.parquet in the first run without --out.", "--parquet"),
    ] = False,
    predictions: Annotated[
        bool, option("Output", "A row per image instead of a row per cell.", "--predictions")
    ] = False,
    out: Annotated[
        Path | None, option("Output", "Where to write.", metavar="FILE", show_default=False)
    ] = None,
) -> None:
    """Write a row per model, corruption and severity: counts, error, interval, and what they rest on."""
    import sys

    from ppbench import atomic
    from ppbench.errors import InputError
    from ppbench.runs.exporting import as_parquet, csv_text, require_parquet, stacked

    if csv == parquet:
        raise InputError(f"expected one of --csv and --parquet, got {'both' if csv else 'neither'}")
    name = "predictions.parquet" if predictions else "errors.parquet"
    path = out or (runs[0] / name if parquet else None)
    if parquet:
        require_parquet()
    if out is not None:
        atomic.require_writable(out, "choose another with --out")
    frame = stacked(runs, predictions=predictions)
    if path is None:
        sys.stdout.write(csv_text(frame))
        return
    if parquet:
        as_parquet(frame, path)
    else:
        atomic.write_text(path, csv_text(frame))
    typer.echo(f"{path}: {len(frame):,} rows, {len(frame.columns)} columns")
