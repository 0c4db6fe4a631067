"""`ppbench data`: which data sets there are and where; `get`: download one; `verify`: is a folder what it seems?"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ppbench.cli import completion
from ppbench.cli.help_screen import Command, Group
from ppbench.cli.options import Json, argument, option

if TYPE_CHECKING:
    from ppbench.data.folder_check import FolderCheck

data_app = typer.Typer(
    cls=Group,
    epilog="ppbench data get cifar10-c\nppbench data verify CIFAR-10-C",
    help="List the data sets and where they are; download those with a public archive; verify -C folders.",
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

    from ppbench.cli.streams import whole_words
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

    typer.echo("\n".join(whole_words(line) for one in sets for line in entry(one)))
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


@data_app.command(
    "verify", cls=Command, epilog="ppbench data verify CIFAR-10-C\nppbench data verify made --json"
)
def data_verify(
    folder: Annotated[Path, argument("A -C folder: arrays, or a tree of image files.", metavar="FOLDER")],
    json: Json = False,
) -> None:
    """Say of each file whether it is the published one, or as ppbench generated it; exit code 2 if one is neither."""
    import sys
    from json import dumps

    from rich.console import Console

    from ppbench.cli.failure import interruptible
    from ppbench.cli.streams import json_for
    from ppbench.data.folder_check import check_folder
    from ppbench.data.verification import KNOWN
    from ppbench.errors import InputError
    from ppbench.spelling import spelled_content

    status = Console(stderr=True).status("reading")
    with interruptible("nothing was changed"), status:
        found = check_folder(folder, lambda name: status.update(f"reading {name}"))
    if json:
        typer.echo(
            json_for(dumps(spelled_content(found.to_dict()), indent=2, ensure_ascii=False), sys.stdout)
        )
    else:
        _show(found)
    doubtful = [verdict for verdict in found.verdicts if verdict.state not in KNOWN]
    if doubtful:
        first, others = doubtful[0], len(doubtful) - 1
        got = {
            "changed": "one that was changed since",
            "misplaced": "another published file",
            "unknown": "one that nothing is known of",
        }[first.state]
        more = f"; {others:,} more in doubt" if others else ""
        raise InputError(
            f"{folder / first.name}: expected a published file, or one that ppbench generated, got {got}{more}"
        )


def _show(found: "FolderCheck") -> None:
    """Print a row a file, and a line about all."""
    import sys

    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from ppbench.data.verification import KNOWN, counted
    from ppbench.reporting.terminal import print_parts, printable

    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(no_wrap=True)
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    # A tree with nothing to compare with gets its reason once, not once a corruption.
    alike = {(verdict.state, verdict.text) for verdict in found.verdicts}
    together = len(alike) == 1 and found.verdicts[0].state == "unknown"
    for verdict in found.verdicts[: 1 if together else None]:
        name = f"all {len(found.verdicts)}" if together else printable(verdict.name)
        style = "green" if verdict.state in KNOWN else "bold red"
        grid.add_row(Text(name), Text(verdict.state, style=style), Text(printable(verdict.text)))
    line = counted(found.verdicts)
    if found.of is not None:
        missing = found.missing
        some = ", ".join(missing[:3]) + (", …" if len(missing) > 3 else "")
        line += f"; {found.of} is complete" if not missing else f"; not here: {len(missing)} ({some})"
    if found.unfinished:
        some = ", ".join(map(printable, found.unfinished[:3])) + (", …" if len(found.unfinished) > 3 else "")
        line += f"; not finished: {len(found.unfinished)} ({some}): the same `ppbench generate` goes on"
    print_parts(Console(file=sys.stdout, highlight=False), [grid, "", Text(line)])
