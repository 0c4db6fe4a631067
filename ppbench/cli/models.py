"""`ppbench models`: what is known; `inspect FILE`: what is in it; `add FILE` gives it a name, `remove ID` takes it."""

import json as json_text
from pathlib import Path
from typing import Annotated, Any

import typer

models_app = typer.Typer(
    invoke_without_command=True, help="List known checkpoints and networks; inspect a file."
)


@models_app.callback()
def models(
    context: typer.Context,
    architectures: Annotated[
        bool,
        typer.Option("--architectures", help="List the networks that can be built, not the checkpoints."),
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print a list of objects instead of a table.")] = False,
) -> None:
    """List the checkpoints that ppbench knows; with --architectures, the networks that it builds."""
    if context.invoked_subcommand is not None:
        return
    from ppbench.models import catalogue

    rows = catalogue.architectures() if architectures else catalogue.known_checkpoints()
    if json:
        typer.echo(json_text.dumps(rows, indent=2))
    elif architectures:
        _table(["name", "family", "description"], [[str(value) for value in row.values()] for row in rows])
    else:
        columns = ["id", "architecture", "data", "weights", "clean error %"]
        _table(
            columns, [[row["id"], row["architecture"], row["data"], _where(row), _error(row)] for row in rows]
        )
        typer.echo("\nOther networks take --checkpoint FILE: see `ppbench models --architectures`.")


@models_app.command("inspect")
def inspect_command(
    file: Annotated[Path, typer.Argument(help="A file of weights.", show_default=False)],
    trust_checkpoint: Annotated[
        bool,
        typer.Option("--trust-checkpoint", help="Unpickle whatever the file asks for: it can run any code."),
    ] = False,
    prefix: Annotated[
        str | None,
        typer.Option(help="How the names of the weights begin that are meant: student.", show_default=False),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one object instead of lines.")] = False,
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


@models_app.command("add")
def add_command(
    file: Annotated[Path, typer.Argument(help="A file that `ppbench train` wrote.", show_default=False)],
    name: Annotated[
        str | None,
        typer.Option(
            "--id", help="What it is called from now on. Default: the file's name.", show_default=False
        ),
    ] = None,
) -> None:
    """Give a file of weights a name: `ppbench eval --model NAME` takes it from then on."""
    from ppbench.models.own_index import add

    entry = add(file, name or file.stem)
    typer.echo(f"{entry.id}: {entry.architecture} for {entry.data}, kept as {entry.path}")


@models_app.command("remove")
def remove_command(
    name: Annotated[str, typer.Argument(metavar="ID", help="What `add` called it.", show_default=False)],
) -> None:
    """Take back a name that `add` gave, and delete the copy of the file that was kept under it."""
    from ppbench.models.own_index import remove

    typer.echo(f"{name}: removed, {remove(name).path} too")


def _plain(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) else str(value)


def _where(row: dict[str, Any]) -> str:
    if row["own"]:
        return "your own"
    return "shipped" if row["shipped"] else "cached" if row["cached"] else "downloadable"


def _error(row: dict[str, Any]) -> str:
    return "" if row["clean_error"] is None else f"{row['clean_error']:.2f}"


def _table(columns: list[str], rows: list[list[str]]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(
            column, justify="right" if column.endswith("%") else "left", no_wrap=column != "description"
        )
    for row in rows:
        table.add_row(*row)
    # Without a terminal, rich assumes 80 columns and would cut ids: a pipe gets every line whole.
    console = Console()
    (console if console.is_terminal else Console(width=200)).print(table)
