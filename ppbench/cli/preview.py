"""`ppbench preview`: a contact sheet of corruptions."""

from pathlib import Path
from typing import Annotated

import typer

from ppbench.cli.corruption_choice import CorruptionFiles, JpegCodec, checked_codec, choose_corruptions


def preview_command(
    image: Annotated[Path | None, typer.Argument(help="A picture of your own.", show_default=False)] = None,
    data: Annotated[
        str | None,
        typer.Option(
            help="A data set, whose first image is taken without IMAGE. Default: digits-c, but not with --root.",
            show_default=False,
        ),
    ] = None,
    root: Annotated[Path | None, typer.Option(help="Its clean images.", show_default=False)] = None,
    index: Annotated[int, typer.Option(min=0, help="Which of its images.")] = 0,
    protocol: Annotated[
        str | None,
        typer.Option(
            help="Whose constants. Default: the data set's; for a picture, imagenet-c.", show_default=False
        ),
    ] = None,
    corruptions: Annotated[str, typer.Option(help="As in `ppbench eval`.")] = "all",
    corruption_file: CorruptionFiles = None,
    severities: Annotated[str, typer.Option(help="As in `ppbench eval`.")] = "1-5",
    seed: Annotated[int, typer.Option(min=0, help="Seed of the corruptions.")] = 0,
    jpeg_codec: JpegCodec = "ijg9",
    out: Annotated[Path, typer.Option(help="The PNG to write.")] = Path("preview.png"),
) -> None:
    """Write a contact sheet: corruptions down, severities across."""
    from io import BytesIO

    from ppbench import atomic
    from ppbench.data.class_order import ANY
    from ppbench.data.picture import read_picture
    from ppbench.data.registry import meant
    from ppbench.data.sets import open_data
    from ppbench.errors import InputError
    from ppbench.evaluation.cells import parse_severities
    from ppbench.generation.contact_sheet import contact_sheet

    atomic.require_writable(out, "choose another with --out")
    names, wanted = choose_corruptions(corruptions, corruption_file or ()), parse_severities(severities)
    if image is not None:
        pixels, chosen, number = read_picture(image), protocol or "imagenet-c", 0
    else:
        source = open_data(meant(data, root), root=root, source="generated", classes=ANY)
        if index >= len(source.ids):
            raise InputError(
                f"expected an --index below {len(source.ids)}, the images of {source.name}, got {index}"
            )
        assert source.clean is not None
        pixels, chosen = source.clean.images[index : index + 1][0], protocol or source.protocol
        number = int(source.ids[index])
    codec = checked_codec(jpeg_codec)
    sheet = contact_sheet(
        pixels, names, wanted, protocol=chosen, image_id=number, seed=seed, jpeg_codec=codec
    )
    encoded = BytesIO()
    sheet.save(encoded, "PNG")
    atomic.write_bytes(out, encoded.getvalue())
    typer.echo(f"{out}: {len(names)} corruptions at {len(wanted)} severities, constants of {chosen}")
