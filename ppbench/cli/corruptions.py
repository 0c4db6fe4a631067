"""`ppbench corruptions`: names, groups and constants."""

from typing import Annotated

import typer

from ppbench.cli import completion
from ppbench.cli.options import CorruptionFiles, Json, option


def corruptions_command(
    protocol: Annotated[
        str,
        option(
            "Corruptions",
            "Whose constants: cifar-c, tiny-imagenet-c or imagenet-c.",
            metavar="NAME",
            autocompletion=completion.one_of(completion.protocols),
        ),
    ] = "cifar-c",
    corruption_file: CorruptionFiles = None,
    json: Json = False,
) -> None:
    """List the corruptions with their constants at severities 1 to 5, plug-ins last, whose constants are their own."""
    import json as json_text

    import corruptions
    from ppbench.reporting.constants_table import show
    from ppbench.scoring.names import PLUGIN

    for file in corruption_file or []:
        corruptions.load_file(file)
    table = corruptions.protocol(protocol)
    rows = [
        {
            "name": name,
            "group": corruptions.GROUPS[name],
            "constants": [dict(row) for row in table.constants[name]],
        }
        for name in (*corruptions.NAMES, *corruptions.EXTRA_NAMES)
    ]
    rows += [
        {"name": PLUGIN + name, "group": "plug-in", "constants": [dict(row) for row in what.constants or ()]}
        for name, what in corruptions.plugins().items()
    ]
    if json:
        facts = {"protocol": table.name, "size": table.size, "jpeg_quality": table.storage_quality}
        typer.echo(json_text.dumps({**facts, "corruptions": rows}, indent=2, default=str))
    else:
        show(table.name, table.size, table.storage_quality, rows)
