"""`ppbench generate`: write the published -C layouts."""

from pathlib import Path
from typing import Annotated

import typer

from ppbench.cli.corruption_choice import CorruptionFiles, JpegCodec, checked_codec, choose_corruptions


def generate_command(
    out: Annotated[Path, typer.Option(help="The folder to write.", show_default=False)],
    data: Annotated[
        str | None,
        typer.Option(
            help="Whose clean images; see `ppbench data`. Default: digits-c, but not with --root.",
            show_default=False,
        ),
    ] = None,
    root: Annotated[
        Path | None, typer.Option(help="The clean images; as in `ppbench eval`.", show_default=False)
    ] = None,
    corruptions: Annotated[
        str, typer.Option(help="As in `ppbench eval`; the default is all 15 + 4.")
    ] = "all",
    corruption_file: CorruptionFiles = None,
    limit: Annotated[
        int | None, typer.Option(help="A stratified subset of so many images.", show_default=False)
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the corruptions and of the subset.")] = 0,
    classes: Annotated[
        str | None, typer.Option(help="The order of class folders; as in `ppbench eval`.", show_default=False)
    ] = None,
    jpeg_codec: JpegCodec = "ijg9",
    grouped: Annotated[
        bool,
        typer.Option("--grouped", help="Folders noise/, blur/, weather/, … as in ImageNet-C's archives."),
    ] = False,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Processes. Default: one for each core.", show_default=False)
    ] = None,
) -> None:
    """Write corrupted images in the published layout; a call that was killed goes on where it was."""
    from ppbench.cli.failure import interruptible
    from ppbench.cli.progress import cell_progress
    from ppbench.data.registry import meant
    from ppbench.generation.generate import Order, generate

    files = tuple(corruption_file or ())
    names = choose_corruptions(corruptions, files)
    order = Order(
        meant(data, root), root, limit, seed, out, grouped, classes, files, checked_codec(jpeg_codec)
    )
    kept = "finished cells are kept, the same command goes on from them"
    with interruptible(kept), cell_progress() as on_cell:
        made = generate(
            order,
            names,
            workers=workers,
            on_cell=on_cell,
            on_note=lambda line: typer.echo(f"ppbench: {line}", err=True),
        )
    typer.echo(f"{len(made.digests)} cells of {made.facts['images']:,} images in {out}")
