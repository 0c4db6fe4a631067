"""`ppbench doctor`: what works on this machine, and what to do about the rest."""

from typing import TYPE_CHECKING, Annotated

import typer

from ppbench.cli.failure import BAD_INPUT

if TYPE_CHECKING:
    from rich.table import Table

    from ppbench.diagnosis.check import Check

_MARKS = {"ok": "ok", "absent": "–", "problem": "!", "blocking": "!!"}
_STYLES = {"ok": "green", "absent": "dim", "problem": "yellow", "blocking": "bold red"}


def doctor_command(
    trial: Annotated[
        bool, typer.Option("--trial/--no-trial", help="Evaluate a shipped network on a few images, too.")
    ] = True,
    json: Annotated[bool, typer.Option("--json", help="Print JSON, for a bug report.")] = False,
) -> None:
    """Say what works here: packages, devices, data, weights, folders; exit code 2 if `eval` could not run."""
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
