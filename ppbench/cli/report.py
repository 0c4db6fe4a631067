"""`ppbench report`: runs as one HTML file, and as figures for a paper."""

from pathlib import Path
from typing import Annotated

import typer

from ppbench.cli.options import PublishedResults, Runs, option


def report_command(
    runs: Runs,
    out: Annotated[
        Path | None,
        option(
            "Output",
            "The HTML file. Default: report.html in the folder of the run; with several runs in the current one.",
            metavar="FILE",
            show_default=False,
        ),
    ] = None,
    plots: Annotated[
        Path | None,
        option(
            "Output",
            "Also write the figures into this folder, as SVG and PNG, sized for a paper's column.",
            metavar="FOLDER",
            show_default=False,
        ),
    ] = None,
    reference: PublishedResults = None,
) -> None:
    """Write a report: one HTML file that needs nothing else, with every figure and where its numbers come from."""
    from ppbench import atomic
    from ppbench.reporting.html.page import write_page
    from ppbench.reporting.reference_rows import references_for
    from ppbench.runs.folder import REPORT, load_run

    loaded = [load_run(run, intervals=False) for run in runs]
    path = out or (runs[0] / REPORT if len(runs) == 1 else Path(REPORT))
    # A mistake is found before the minute that a report takes.
    atomic.require_folder(path.parent, "choose another with --out")
    atomic.require_writable(path, "choose another with --out")
    if plots is not None:
        atomic.require_folder(plots, "choose another with --plots")
    if reference is not None:
        references_for(reference, None)
    from ppbench.runs.report import report_content  # brings torch: mistakes are found before

    content = report_content(loaded, reference=reference)
    write_page(content, path)
    typer.echo(f"The report is in {path}.")
    if plots is not None:
        from ppbench.reporting.figures.plot_files import write_plots

        written = write_plots(content, plots)
        typer.echo(f"{len(written)} figures are in {plots}: {', '.join(path.name for path in written)}.")
