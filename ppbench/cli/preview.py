"""`ppbench preview`: a contact sheet of corruptions."""

from pathlib import Path
from typing import Annotated

import typer

from ppbench.cli import completion
from ppbench.cli.corruption_choice import checked_codec, choose_corruptions
from ppbench.cli.options import (
    CorruptionFiles,
    Corruptions,
    CorruptionSeed,
    Data,
    JpegCodec,
    Root,
    Severities,
    argument,
    option,
)


def preview_command(
    image: Annotated[
        Path | None, argument("A picture of your own, instead of an image of --data.", metavar="IMAGE")
    ] = None,
    data: Data = None,
    root: Root = None,
    index: Annotated[int, option("Data", "Which of the set's images.", min=0, metavar="N")] = 0,
    corruptions: Corruptions = "all",
    severities: Severities = "1-5",
    protocol: Annotated[
        str | None,
        option(
            "Corruptions",
            "Whose constants. Default: the data set's; for a picture, imagenet-c.",
            metavar="NAME",
            show_default=False,
            autocompletion=completion.one_of(completion.protocols),
        ),
    ] = None,
    seed: CorruptionSeed = 0,
    corruption_file: CorruptionFiles = None,
    jpeg_codec: JpegCodec = "ijg9",
    out: Annotated[Path, option("Output", "The PNG to write.", metavar="FILE")] = Path("preview.png"),
) -> None:
    """Write a contact sheet: corruptions down, severities across."""
    from io import BytesIO

    from corruptions import protocol as find_protocol
    from ppbench import atomic
    from ppbench.data.class_order import ANY
    from ppbench.data.picture import read_picture
    from ppbench.data.registry import meant
    from ppbench.data.sets import open_data
    from ppbench.errors import InputError
    from ppbench.evaluation.cells import parse_severities

    atomic.require_writable(out, "choose another with --out")
    names, wanted = choose_corruptions(corruptions, corruption_file or ()), parse_severities(severities)
    codec = checked_codec(jpeg_codec)
    if image is not None:
        pixels, chosen, number = read_picture(image), find_protocol(protocol or "imagenet-c").name, 0
    else:
        source = open_data(meant(data, root), root=root, source="generated", classes=ANY)
        if index >= len(source.ids):
            raise InputError(
                f"expected an --index below {len(source.ids)}, the images of {source.name}, got {index}"
            )
        assert source.clean is not None
        pixels, chosen = (
            source.clean.images[index : index + 1][0],
            find_protocol(protocol or source.protocol).name,
        )
        number = int(source.ids[index])
    from ppbench.generation.contact_sheet import contact_sheet  # brings torch: mistakes are found before

    sheet = contact_sheet(
        pixels, names, wanted, protocol=chosen, image_id=number, seed=seed, jpeg_codec=codec
    )
    encoded = BytesIO()
    sheet.save(encoded, "PNG")
    atomic.write_bytes(out, encoded.getvalue())
    typer.echo(f"{out}: {len(names)} corruptions at {len(wanted)} severities, constants of {chosen}")
