"""`ppbench data`: which data sets there are and where they are; `ppbench data get`: download one."""

from pathlib import Path
from typing import Annotated

import typer

from ppbench.cli import completion
from ppbench.cli.help_screen import Command, Group
from ppbench.cli.options import Json, argument, option

data_app = typer.Typer(
    cls=Group,
    epilog="ppbench data\nppbench data get cifar10-c",
    help="List the data sets and where they are; download those with a public archive.",
    invoke_without_command=True,
    add_completion=False,
)


@data_app.callback()
def data_command(
    context: typer.Context,
    json: Json = False,
) -> None:
    """List the data sets, where each was found, and how to get it."""
    if context.invoked_subcommand is not None:
        return
    from json import dumps

    from ppbench.data.inventory import Found, inventory
    from ppbench.data.places import usual_places

    sets = inventory()
    if json:
        typer.echo(dumps([one.to_dict() for one in sets], indent=2))
        return

    def entry(one: Found) -> list[str]:
        classes = "any" if one.num_classes is None else f"{one.num_classes:,}"
        lines = [one.name, f"  {one.description}", f"  protocol {one.protocol}, {classes} classes"]
        lines += [f"  published: {one.published}"] if one.published else []
        lines += [f"  clean: {one.clean}"] if one.clean else []
        return [*lines, *([f"  to get: {one.get}"] if one.get else [])]

    typer.echo("\n".join(line for one in sets for line in entry(one)))
    typer.echo(f"looked in {', '.join(map(str, usual_places()))}", err=True)


@data_app.command("get", cls=Command, epilog="ppbench data get cifar10-c\nppbench data get cifar10 --to data")
def data_get(
    name: Annotated[
        str,
        argument(
            "cifar10-c, cifar100-c, tiny-imagenet-c, cifar10 or cifar100.",
            metavar="NAME",
            autocompletion=completion.one_of(completion.archives),
        ),
    ],
    to: Annotated[
        Path | None,
        option(
            "Output",
            "The folder to unpack it in. Default: $PPBENCH_DATA, or the user's data folder.",
            metavar="FOLDER",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Download and unpack a set; an interrupted download goes on where it broke off."""
    from ppbench.data.archives import archive, get
    from ppbench.data.places import download_folder
    from ppbench.transfer import transfer_bar

    wanted = archive(name)
    with transfer_bar(name) as (on_bytes, on_step):
        folder = get(wanted, to or download_folder(), on_bytes=on_bytes, on_step=on_step)
    typer.echo(str(folder))
