"""`ppbench corruptions`: names, groups and constants."""

from typing import Annotated

import typer


def corruptions_command(
    protocol: Annotated[
        str, typer.Option(help="Whose constants: cifar-c, tiny-imagenet-c or imagenet-c.")
    ] = "cifar-c",
    json: Annotated[bool, typer.Option("--json", help="Print JSON instead of the table.")] = False,
) -> None:
    """List the corruptions with their constants at severities 1 to 5."""
    import json as json_text

    import corruptions
    from ppbench.reporting.constants_table import show

    table = corruptions.protocol(protocol)
    rows = [
        {
            "name": name,
            "group": corruptions.GROUPS[name],
            "constants": [dict(row) for row in table.constants[name]],
        }
        for name in (*corruptions.NAMES, *corruptions.EXTRA_NAMES)
    ]
    if json:
        facts = {"protocol": table.name, "size": table.size, "jpeg_quality": table.storage_quality}
        typer.echo(json_text.dumps({**facts, "corruptions": rows}, indent=2))
    else:
        show(table.name, table.size, table.storage_quality, rows)
