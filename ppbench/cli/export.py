"""`ppbench export`: runs in long form, for pandas, R or a spreadsheet."""

from pathlib import Path
from typing import Annotated

import typer


def export_command(
    runs: Annotated[
        list[Path],
        typer.Argument(metavar="RUN…", help="Folders of finished runs.", show_default=False),
    ],
    csv: Annotated[bool, typer.Option("--csv", help="As CSV, to stdout without --out.")] = False,
    parquet: Annotated[
        bool, typer.Option("--parquet", help="As Parquet, to errors.parquet in the first run without --out.")
    ] = False,
    predictions: Annotated[
        bool, typer.Option("--predictions", help="A row per image instead of a row per cell.")
    ] = False,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Where to write.", show_default=False)
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
