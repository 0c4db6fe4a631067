"""`ppbench compare`: is one checkpoint really better than another?"""

from typing import Annotated

import typer

from ppbench.cli import completion
from ppbench.cli.options import JsonFormat, Runs, option


def compare_command(
    runs: Runs,
    reference: Annotated[
        str | None,
        option(
            "Model",
            "The model that the others are compared with. Default: the first of the first run.",
            metavar="NAME",
            show_default=False,
        ),
    ] = None,
    format_: Annotated[
        str | None,
        option(
            "Output",
            "md, csv, latex or json instead of the table.",
            "--format",
            metavar="NAME",
            show_default=False,
            autocompletion=completion.words("md", "csv", "latex", "json"),
        ),
    ] = None,
    json: JsonFormat = False,
    md: Annotated[bool, option("Output", "The same as --format md.", "--markdown")] = False,
    tex: Annotated[bool, option("Output", "The same as --format latex.", "--latex")] = False,
) -> None:
    """Compare the models of one or more runs, paired by image: difference, interval, and what is decided."""
    import json as json_text
    import sys

    from ppbench.cli.streams import json_for
    from ppbench.errors import InputError, unknown
    from ppbench.reporting import comparison_tables, latex, markdown, terminal
    from ppbench.runs.folder import load_run
    from ppbench.runs.pairing import compare_runs

    wanted = [name for name, given in (("json", json), ("md", md), ("latex", tex)) if given]
    wanted += [] if format_ is None else [format_]
    if len(wanted) > 1:
        raise InputError("expected one of --format, --json, --markdown and --latex, got several")
    if wanted and wanted[0] not in comparison_tables.FORMATS:
        raise unknown("format", wanted[0], comparison_tables.FORMATS)
    found = compare_runs([load_run(run, intervals=False) for run in runs], reference=reference)
    if wanted == ["json"]:
        text = json_text.dumps(found.to_dict(), indent=2, allow_nan=False, ensure_ascii=False)
        typer.echo(json_for(text, sys.stdout))
        return
    if wanted == ["csv"]:
        typer.echo(comparison_tables.csv_of(found.comparisons), nl=False)
        return
    for place, comparison in enumerate(found.comparisons):
        if place:
            typer.echo()
        shown = comparison_tables.document(comparison, found.facts)
        if wanted == ["md"]:
            typer.echo(markdown.render(shown), nl=False)
        elif wanted == ["latex"]:
            typer.echo(latex.render(shown), nl=False)
        else:
            terminal.show(shown)
