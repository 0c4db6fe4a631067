"""`ppbench compare`: is one checkpoint really better than another?"""

from pathlib import Path
from typing import Annotated

import typer


def compare_command(
    runs: Annotated[
        list[Path],
        typer.Argument(
            metavar="RUN…", help="Folders of finished runs on the same images.", show_default=False
        ),
    ],
    reference: Annotated[
        str | None,
        typer.Option(
            help="The model that the others are compared with. Default: the first of the first run.",
            show_default=False,
        ),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON instead of the table.")] = False,
    markdown: Annotated[
        bool, typer.Option("--markdown", help="Print Markdown instead of the table.")
    ] = False,
    latex: Annotated[
        bool, typer.Option("--latex", help="Print LaTeX (booktabs) instead of the table.")
    ] = False,
) -> None:
    """Compare the models of one or more runs, paired by image: difference, interval, and what is decided."""
    import json as json_text

    from ppbench.errors import InputError
    from ppbench.reporting import comparison_tables
    from ppbench.runs.folder import load_run
    from ppbench.runs.pairing import compare_runs

    if json + markdown + latex > 1:
        raise InputError("expected one of --json, --markdown and --latex, got several")
    found = compare_runs([load_run(run, intervals=False) for run in runs], reference=reference)
    if json:
        typer.echo(json_text.dumps(found.to_dict(), indent=2, allow_nan=False, ensure_ascii=False))
        return
    for place, comparison in enumerate(found.comparisons):
        if place:
            typer.echo()
        if markdown:
            typer.echo(comparison_tables.markdown(comparison, found.facts), nl=False)
        elif latex:
            typer.echo(comparison_tables.latex(comparison, found.facts), nl=False)
        else:
            comparison_tables.show(comparison, found.facts)
