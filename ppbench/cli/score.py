"""`ppbench score`: the scores of an errors file; no model, no images, no torch."""

from pathlib import Path
from typing import Annotated

import typer


def score_command(
    errors: Annotated[
        Path,
        typer.Argument(metavar="ERRORS.csv", help="Errors file, or a run's folder.", show_default=False),
    ],
    normaliser: Annotated[
        str | None,
        typer.Option(
            help="What CE divides by: imagenet-c-alexnet, cifar10-c-alexnet-2020, measured (the alexnet of "
            "this file), measured:MODEL, none, or a file (errors of one model, or TOML).",
            show_default=False,
        ),
    ] = None,
    baseline_model: Annotated[
        str | None, typer.Option(help="The model of the file that R_net compares with.", show_default=False)
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON instead of the table.")] = False,
) -> None:
    """Score an errors file: clean and mean error, CE, mCE, relative mCE, R_net."""
    from ppbench.reporting import scores_json, terminal
    from ppbench.reporting.errors_file import context_of
    from ppbench.scoring.errors_table import read_errors_csv
    from ppbench.scoring.normaliser import NORMALISERS, choose_normaliser
    from ppbench.scoring.scores import score

    path = errors / "errors.csv" if errors.is_dir() else errors
    tables = read_errors_csv(path)
    divisor = None if normaliser is None else choose_normaliser(normaliser, tables)
    scores = score(tables, divisor, baseline=baseline_model)
    context = context_of(path, tables)
    if json:
        typer.echo(scores_json.render(scores, context), nl=False)
    else:
        terminal.show(scores, context)
    if normaliser is None:
        known = ", ".join((*NORMALISERS, "measured"))
        typer.echo(
            f"ppbench: no CE and no mCE without --normaliser: choose one of {known}, or a file", err=True
        )
