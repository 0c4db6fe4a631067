"""`ppbench generate`: write the published -C layouts."""

from pathlib import Path
from typing import Annotated

import typer

from ppbench.cli.corruption_choice import checked_codec, choose_corruptions
from ppbench.cli.options import (
    Classes,
    CleanRoot,
    CorruptionFiles,
    Corruptions,
    CorruptionSeed,
    Data,
    JpegCodec,
    Limit,
    Protocol,
    Size,
    option,
)


def generate_command(
    out: Annotated[Path, option("Output", "The folder to write.", metavar="FOLDER", show_default=False)],
    data: Data = None,
    root: CleanRoot = None,
    limit: Limit = None,
    classes: Classes = None,
    size: Size = None,
    protocol: Protocol = None,
    corruptions: Corruptions = "all",
    seed: CorruptionSeed = 0,
    corruption_file: CorruptionFiles = None,
    workers: Annotated[
        int | None,
        option("Run", "Processes. Default: one for each core.", min=1, metavar="N", show_default=False),
    ] = None,
    jpeg_codec: JpegCodec = "ijg9",
    grouped: Annotated[
        bool,
        option("Output", "In folders noise/, blur/ and so on, as in ImageNet-C's archives.", "--grouped"),
    ] = False,
) -> None:
    """Write corrupted images in the published layout; a call that was killed goes on where it was."""
    from ppbench.cli.failure import interruptible
    from ppbench.cli.progress import cell_progress
    from ppbench.data.registry import meant
    from ppbench.data.sets import find_data

    files = tuple(corruption_file or ())
    names = choose_corruptions(corruptions, files)
    codec = checked_codec(jpeg_codec)
    name = meant(data, root)
    find_data(name, root=root, source="generated", classes=classes, size=size, protocol=protocol)
    from ppbench.generation.generate import (  # brings torch: mistakes are found before
        GenerationConfig,
        generate,
    )

    config = GenerationConfig(name, root, limit, seed, out, grouped, classes, files, codec, size, protocol)
    kept = "finished cells are kept, the same command goes on from them"
    with interruptible(kept), cell_progress() as on_cell:
        made = generate(
            config,
            names,
            workers=workers,
            on_cell=on_cell,
            on_note=lambda line: typer.echo(f"ppbench: {line}", err=True),
        )
    typer.echo(f"{len(made.digests)} cells of {made.facts['images']:,} images in {out}")
