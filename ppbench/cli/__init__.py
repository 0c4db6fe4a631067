"""The command line: one module a command; each parses, calls and prints.

Exit codes: 0 done; 1 and 3 a judgement of `ppbench gate`; 2 a mistake in what was asked for or a machine without room;
70 an error of ppbench itself, so that it is never taken for a judgement; 130 interrupted.
"""

import sys
import traceback
from collections.abc import Callable

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
from ppbench.cli.help_screen import Command, Group
from ppbench.cli.models import models_app
from ppbench.cli.preview import preview_command
from ppbench.cli.report import report_command
from ppbench.cli.score import score_command
from ppbench.cli.streams import prepare_streams
from ppbench.cli.train import TrainCommand, train

app = typer.Typer(
    name="ppbench",
    cls=Group,
    help="Robustness to common image corruptions: evaluate checkpoints, score, compare.",
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,
    epilog=(
        "ppbench eval --model resnet20-digits --model resnet20-pp-digits\n"
        "ppbench eval --checkpoint mine.pt --data cifar10-c"
    ),
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


_EXAMPLES = {
    "eval": """\
ppbench eval --model resnet20-digits --model resnet20-pp-digits
ppbench eval --checkpoint mine.pt --data cifar10-c --limit 1000 --out mine""",
    "score": """\
ppbench score results/mine --baseline-model resnet20
ppbench score results/mine --normaliser measured:alexnet --format latex""",
    "compare": """\
ppbench compare results/plain results/push-pull
ppbench compare results/both --reference resnet20 --format md""",
    "report": """\
ppbench report results/mine
ppbench report results/plain results/push-pull --out both.html""",
    "gate": """\
ppbench gate --checkpoint good.pt --baseline base.json --update
ppbench gate --checkpoint new.pt --baseline base.json --allow mean_error=+1""",
    "train": """\
ppbench train --recipe digits --model resnet20-pp
ppbench train --recipe cifar10-fast --augmentation prime --seed 1""",
    "corruptions": """\
ppbench corruptions
ppbench corruptions --protocol imagenet-c --json""",
    "generate": """\
ppbench generate --out digits-c
ppbench generate --data cifar10-c --corruptions noise,fog --out made""",
    "preview": """\
ppbench preview photo.jpg --corruptions weather
ppbench preview --data digits-c --index 7 --out seven.png""",
    "export": """\
ppbench export results/mine --csv --out mine.csv
ppbench export results/mine results/other --parquet --predictions""",
    "cache": """\
ppbench cache
ppbench cache --clear""",
    "doctor": """\
ppbench doctor
ppbench doctor --checkpoint mine.pt --data cifar10-c --strip seen.png""",
}
"""Two uses of each command, which its help shows."""

_COMMANDS: dict[str, Callable[..., None]] = {
    "eval": eval_command,
    "score": score_command,
    "compare": compare_command,
    "report": report_command,
    "gate": gate_command,
    "train": train,
    "corruptions": corruptions_command,
    "generate": generate_command,
    "preview": preview_command,
    "export": export_command,
    "cache": cache_command,
    "doctor": doctor_command,
}

for _name, _command in _COMMANDS.items():
    app.command(_name, cls=TrainCommand if _name == "train" else Command, epilog=_EXAMPLES[_name])(_command)
    if _name == "train":
        app.add_typer(models_app, name="models")
        app.add_typer(data_app, name="data")


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
