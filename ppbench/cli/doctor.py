"""`ppbench doctor`: what works on this machine, or whether a model is set up right for some images."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ppbench.cli.evaluation_options import (
    SETUP_NAMES,
    EvaluationOptions,
    given_options,
    with_evaluation_options,
)
from ppbench.cli.failure import BAD_INPUT, interruptible
from ppbench.cli.options import Json, option

if TYPE_CHECKING:
    from rich.table import Table

    from ppbench.diagnosis.check import Check

_MARKS = {"ok": "ok", "absent": "–", "problem": "!", "blocking": "!!"}
_STYLES = {"ok": "green", "absent": "dim", "problem": "yellow", "blocking": "bold red"}


@with_evaluation_options(SETUP_NAMES)
def doctor_command(
    options: EvaluationOptions,
    context: typer.Context,
    trial: Annotated[
        bool,
        option(
            "Run", "Without a model: evaluate a shipped network on a few images, too.", "--trial/--no-trial"
        ),
    ] = True,
    strip: Annotated[
        Path | None,
        option(
            "Output",
            "With --model: write a few images as the model sees them, with true and predicted names.",
            metavar="FILE.png",
            show_default=False,
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Say what works here; with --model or --checkpoint, whether the model and its images are set up right.

    Without a model: packages, devices, data, weights, folders; exit code 2 if `eval` could not run. With one, on the
    clean images of --data: input contract, images, weights, dependence on the batch, outputs, clean error, order of the
    classes; exit code 2 if something is wrong.
    """
    with interruptible("nothing was kept, the same command begins again"):
        if options.model or options.checkpoint:
            _refuse_trial(context)
            _check_setups(options, strip, json=json)
        else:
            _refuse_without_model(context)
            _check_machine(trial=trial, json=json)


def _check_setups(options: EvaluationOptions, strip: Path | None, *, json: bool) -> None:
    import json as json_text
    import sys

    from rich.console import Console

    from ppbench.atomic import require_writable
    from ppbench.cli import setup_screen
    from ppbench.cli.streams import json_for
    from ppbench.errors import InputError

    if strip is not None:
        if strip.suffix.lower() != ".png":
            raise InputError(f"{strip}: expected a file name that ends in .png, got another ending")
        require_writable(strip, "choose another with --strip")
    with Console(stderr=True).status("looking at the set-up"):
        report = options.check_setups()
    if strip is not None:
        setup_screen.write_strips(report, strip)
    if json:
        content = setup_screen.content(report)
        typer.echo(json_for(json_text.dumps(content, indent=2, ensure_ascii=False), sys.stdout))
    else:
        setup_screen.show(report)
    if any(looked.check.verdict == "wrong" for looked in report.models):
        raise typer.Exit(BAD_INPUT)


def _refuse_without_model(context: typer.Context) -> None:
    """Refuse options of a set-up check without a model, where they could have no effect."""
    from ppbench.errors import InputError

    if given := given_options(context, (*SETUP_NAMES, "strip")):
        raise InputError(
            f"expected --model or --checkpoint with {given[0]}, got neither: name the model to check"
        )


def _refuse_trial(context: typer.Context) -> None:
    """Refuse an option of a look at the machine with a model: it could have no effect."""
    from ppbench.errors import InputError

    if given := given_options(context, ("trial",)):
        raise InputError(
            "expected with --model or --checkpoint only options about the model and the clean images, got "
            f"{given[0]}, which has no effect on the set-up check: leave it out"
        )


def _check_machine(*, trial: bool, json: bool) -> None:
    import json as json_text
    import sys

    from rich.console import Console

    from ppbench import __version__
    from ppbench.cli.streams import json_for
    from ppbench.diagnosis.check import can_evaluate
    from ppbench.diagnosis.diagnose import diagnose

    # It takes a while, most of it for loading torch twice: on a terminal something moves meanwhile.
    with Console(stderr=True).status("looking at this machine"):
        checks = list(diagnose(trial=trial))
    able = can_evaluate(checks)
    if json:
        content = {
            "schema_version": 1,
            "ppbench": __version__,
            "can_evaluate": able,
            "checks": [check.to_dict() for check in checks],
        }
        typer.echo(json_for(json_text.dumps(content, indent=2, ensure_ascii=False), sys.stdout))
    else:
        _show(checks, able)
    if not able:
        raise typer.Exit(BAD_INPUT)


def _show(checks: "list[Check]", able: bool) -> None:
    import sys

    from rich.console import Console
    from rich.text import Text

    from ppbench.reporting.terminal import print_parts

    console = Console(file=sys.stdout, highlight=False)
    parts = [_section(title, checks) for title in dict.fromkeys(check.section for check in checks)]
    broken = [check.name for check in checks if check.state == "blocking"]
    last = (
        Text("`ppbench eval` can run here.", style="bold green")
        if able
        else Text(f"`ppbench eval` cannot run here: {', '.join(broken)}.", style="bold red")
    )
    print_parts(console, [*parts, last])


def _section(title: str, checks: "list[Check]") -> "Table":
    from rich.table import Table
    from rich.text import Text

    grid = Table.grid(padding=(0, 1, 0, 0))
    grid.add_column(width=2, justify="right")
    grid.add_column(min_width=15, max_width=20, overflow="fold")
    grid.add_column(overflow="fold")
    grid.add_row("", Text(title, style="bold"))
    for check in checks:
        if check.section == title:
            text = Text(check.text)
            if check.remedy:
                text.append(f" → {check.remedy}", style="italic")
            grid.add_row(Text(_MARKS[check.state], style=_STYLES[check.state]), Text(check.name), text)
    return grid
