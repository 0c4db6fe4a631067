"""`ppbench eval`: evaluate models on clean and corrupted images."""

from pathlib import Path
from typing import Annotated

import typer

from ppbench.cli.evaluation_options import EvaluationOptions, with_evaluation_options
from ppbench.cli.options import ComparedWith, Json, Overwrite, PublishedResults, option


@with_evaluation_options()
def eval_command(
    options: EvaluationOptions,
    out: Annotated[
        Path | None,
        option(
            "Output",
            "The run's folder. Default: results/<time>-<data>.",
            metavar="FOLDER",
            show_default=False,
        ),
    ] = None,
    overwrite: Overwrite = False,
    baseline_model: ComparedWith = None,
    reference: PublishedResults = None,
    metrics: Annotated[
        bool,
        option("Output", "Show top-5 error, calibration and severity slopes in the tables.", "--metrics"),
    ] = False,
    heatmap: Annotated[
        bool, option("Output", "Print the errors of every cell below the table.", "--heatmap")
    ] = False,
    report: Annotated[
        bool,
        option(
            "Output", "Write report.html into the run's folder, which takes seconds.", "--report/--no-report"
        ),
    ] = True,
    json: Json = False,
) -> None:
    """Evaluate models on every corruption at every severity, score them, and write the tables."""
    import sys

    from ppbench.cli.streams import json_for
    from ppbench.data.registry import meant
    from ppbench.errors import InputError
    from ppbench.runs.config import default_folder

    if json and heatmap:
        raise InputError("expected one of --json and --heatmap, got both")
    folder = out or default_folder(meant(options.data, options.root))
    run = options.evaluate(
        folder, overwrite=overwrite, baseline_model=baseline_model, metrics=metrics, reference=reference
    )
    # Here, so that a mistake is answered before any of it is imported.
    from ppbench.reporting import cell_heatmap, metrics_table, score_tables, scores_json, terminal

    if report:
        from ppbench.reporting.html.page import write_page
        from ppbench.runs.folder import REPORT
        from ppbench.runs.report import report_content

        write_page(report_content([run], reference=reference), folder / REPORT)
    if json:
        text = scores_json.render(run.scores, run.context, run.metrics, run.references)
        typer.echo(json_for(text, sys.stdout), nl=False)
    else:
        terminal.show(score_tables.document(run.scores, run.context, run.references))
        if metrics:
            typer.echo()
            terminal.show(metrics_table.document(run.metrics))
        if heatmap:
            typer.echo()
            cell_heatmap.show(run.tables, run.context)
        files = "table.md, table.tex, errors.csv, scores.json" + (", report.html" if report else "")
        typer.echo()
        terminal.say(f"The tables are in {folder}: {files}; run.json says how they were made.")
