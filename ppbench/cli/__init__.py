"""The command line: one module a command; each parses, calls and prints.

Exit codes: 0 done; 1 and 3 a judgement of `ppbench gate`; 2 a mistake in what was asked for or a machine without room;
70 an error of ppbench itself, so that it is never taken for a judgement; 130 interrupted.
"""

import sys
import traceback

import typer

from ppbench import __version__
from ppbench.cli.cache import cache_command
from ppbench.cli.compare import compare_command
from ppbench.cli.corruptions import corruptions_command
from ppbench.cli.data import data_app
from ppbench.cli.doctor import doctor_command
from ppbench.cli.eval import eval_command
from ppbench.cli.export import export_command
from ppbench.cli.failure import BAD_INPUT, INTERNAL, mistake
from ppbench.cli.gate import gate_command
from ppbench.cli.generate import generate_command
from ppbench.cli.models import models_app
from ppbench.cli.preview import preview_command
from ppbench.cli.report import report_command
from ppbench.cli.score import score_command
from ppbench.cli.streams import prepare_streams
from ppbench.cli.train import train

app = typer.Typer(
    name="ppbench",
    help="Robustness to common image corruptions: evaluate checkpoints, score, compare.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_show_locals=False,
    rich_markup_mode="rich",
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"ppbench {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    _version: bool = typer.Option(
        False, "--version", callback=_print_version, is_eager=True, help="Print the version and stop."
    ),
) -> None:
    """Robustness to common image corruptions: evaluate checkpoints, score, compare."""


app.command("eval")(eval_command)
app.command("score")(score_command)
app.command("compare")(compare_command)
app.command("report")(report_command)
app.command("gate")(gate_command)
app.command("train")(train)
app.add_typer(models_app, name="models")
app.add_typer(data_app, name="data")
app.command("corruptions")(corruptions_command)
app.command("generate")(generate_command)
app.command("preview")(preview_command)
app.command("export")(export_command)
app.command("cache")(cache_command)
app.command("doctor")(doctor_command)


def main() -> None:
    """Run the command line; a user's mistake ends in one line on stderr and exit code 2, ours in a traceback and 70."""
    prepare_streams()
    try:
        app()
    except Exception as error:  # noqa: BLE001  the last place where an error can become an exit code
        line = mistake(error)
        if line is None:
            traceback.print_exception(error)
            sys.exit(INTERNAL)
        typer.echo(f"ppbench: {line}", err=True)
        sys.exit(BAD_INPUT)
