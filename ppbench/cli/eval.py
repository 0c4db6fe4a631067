"""`ppbench eval`: evaluate models on clean and corrupted images."""

from pathlib import Path
from typing import Annotated

import typer

from ppbench.cli.evaluation_options import EvaluationOptions, with_evaluation_options


@with_evaluation_options()
def eval_command(
    options: EvaluationOptions,
    baseline_model: Annotated[
        str | None, typer.Option(help="The model of this run that R_net compares with.", show_default=False)
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="The run's folder. Default: results/<time>-<data>.", show_default=False),
    ] = None,
    overwrite: Annotated[
        bool,
        typer.Option("--overwrite", help="Replace the run in --out, though it has what this one has not."),
    ] = False,
    metrics: Annotated[
        bool,
        typer.Option("--metrics", help="Show top-5 error, calibration and severity slopes in the tables."),
    ] = False,
    reference: Annotated[
        str | None,
        typer.Option(
            metavar="DATA",
            help="Add published results to the tables: imagenet-c, imagenet100-c, cifar10-c or cifar100-c.",
            show_default=False,
        ),
    ] = None,
    heatmap: Annotated[
        bool, typer.Option("--heatmap", help="Print the errors of every cell below the table.")
    ] = False,
    report: Annotated[
        bool,
        typer.Option(
            "--report/--no-report", help="Write report.html into the run's folder, which takes seconds."
        ),
    ] = True,
    json: Annotated[bool, typer.Option("--json", help="Print scores.json instead of the table.")] = False,
) -> None:
    """Evaluate models on every corruption at every severity, score them, and write the tables."""
    import sys

    from ppbench.cli.streams import json_for
    from ppbench.data.registry import meant
    from ppbench.errors import InputError
    from ppbench.reporting import cell_heatmap, metrics_table, score_tables, scores_json, terminal
    from ppbench.runs.evaluate import default_folder

    if json and heatmap:
        raise InputError("expected one of --json and --heatmap, got both")
    folder = out or default_folder(meant(options.data, options.root))
    run = options.evaluate(
        folder, overwrite=overwrite, baseline_model=baseline_model, metrics=metrics, reference=reference
    )
    if report:
        from ppbench.reporting.html.page import write_page
        from ppbench.runs.folder import REPORT
        from ppbench.runs.report import gather

        write_page(gather([run], reference=reference), folder / REPORT)
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
