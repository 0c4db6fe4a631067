"""`ppbench models`: what is known; `inspect FILE`: what is in it; `add FILE` gives it a name, `remove ID` takes it."""

import json as json_text
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from ppbench.cli import completion
from ppbench.cli.help_screen import Command, Group
from ppbench.cli.options import Json, Prefix, TrustCheckpoint, argument, option

models_app = typer.Typer(
    cls=Group,
    invoke_without_command=True,
    help="List known checkpoints and networks; inspect a file.",
    epilog="ppbench models\nppbench models inspect resnet50.pt",
)


@models_app.callback()
def models(
    context: typer.Context,
    architectures: Annotated[
        bool,
        option("Model", "List the networks that can be built, not the checkpoints.", "--architectures"),
    ] = False,
    json: Json = False,
) -> None:
    """List the checkpoints that ppbench knows; with --architectures, the networks that it builds."""
    if context.invoked_subcommand is not None:
        return
    from ppbench.models import catalogue

    rows = catalogue.architectures() if architectures else catalogue.known_checkpoints()
    if json:
        typer.echo(json_text.dumps(rows, indent=2))
    elif architectures:
        _table(["name", "network, and other first layers for it"], catalogue.architecture_lines())
        typer.echo("\nWeights for one: --checkpoint FILE, or `ppbench train --model NAME`.")
    else:
        columns = ["id", "architecture", "data", "weights", "clean error %"]
        _table(
            columns, [[row["id"], row["architecture"], row["data"], _where(row), _error(row)] for row in rows]
        )
        typer.echo("\nOther networks take --checkpoint FILE: see `ppbench models --architectures`.")


@models_app.command(
    "inspect",
    cls=Command,
    epilog="ppbench models inspect resnet50.pt\nppbench models inspect student.pt --prefix student",
)
def inspect_command(
    file: Annotated[Path, argument("A file of weights.", metavar="FILE")],
    trust_checkpoint: TrustCheckpoint = False,
    prefix: Prefix = None,
    json: Json = False,
) -> None:
    """Say what the loader sees in a file of weights, without running anything of it."""
    from ppbench.models.naming import require_file

    require_file(file)
    from ppbench.models.inspection import inspect  # brings torch

    found = inspect(file, trust=trust_checkpoint, prefix=prefix)
    if json:
        typer.echo(json_text.dumps(found, indent=2))
        return
    for key, value in found.items():
        if value not in (None, [], {}):
            words = "\n".join(str(item) for item in value) if isinstance(value, list) else _plain(value)
            typer.echo(f"{key.replace('_', ' '):17s}{words.replace(chr(10), chr(10) + ' ' * 17)}")


@models_app.command(
    "add",
    cls=Command,
    epilog="ppbench models add resnet20-pp-digits.safetensors\nppbench models add out.safetensors --id mine",
)
def add_command(
    file: Annotated[Path, argument("A file that `ppbench train` wrote.", metavar="FILE")],
    name: Annotated[
        str | None,
        option(
            "Model",
            "What it is called from now on. Default: the file's name.",
            "--id",
            metavar="ID",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Give a file of weights a name: `ppbench eval --model NAME` takes it from then on."""
    from ppbench.models.own_index import add

    entry = add(file, name or file.stem)
    typer.echo(f"{entry.id}: {entry.architecture} for {entry.data}, kept as {entry.path}")


@models_app.command(
    "remove", cls=Command, epilog="ppbench models remove mine\nppbench models remove resnet20-pp-digits"
)
def remove_command(
    name: Annotated[
        str,
        argument(
            "What `add` called it.", metavar="ID", autocompletion=completion.one_of(completion.own_models)
        ),
    ],
) -> None:
    """Take back a name that `add` gave, and delete the copy of the file that was kept under it."""
    from ppbench.models.own_index import remove

    typer.echo(f"{name}: removed, {remove(name).path} too")


def _plain(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) else str(value)


def _where(row: dict[str, Any]) -> str:
    if row["own"]:
        return "your own"
    return "shipped" if row["shipped"] else "cached" if row["cached"] else "online"


def _error(row: dict[str, Any]) -> str:
    return "" if row["clean_error"] is None else f"{row['clean_error']:.2f}"


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table whose first column, which people copy, is never cut or wrapped, however narrow the terminal."""
    from rich.console import Console
    from rich.table import Table

    # One blank between columns: the widest checkpoint then fits 80.
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0), header_style="bold")
    for place, column in enumerate(columns):
        longest = max(len(row[place]) for row in rows)
        table.add_column(
            column,
            justify="right" if column.endswith("%") else "left",
            overflow="fold",
            min_width=longest if place == 0 else 5,
            no_wrap=place == 0,
        )
    for row in rows:
        table.add_row(*row)
    # Without a terminal, rich assumes 80 columns: a pipe gets every row in one line.
    console = Console()
    (console if console.is_terminal else Console(width=200)).print(table, crop=False)
