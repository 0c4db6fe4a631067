"""`ppbench cache`: the store of finished cells, and decoded images."""

from typing import Annotated

import typer

from ppbench.cli.options import Cache, Json, option


def cache_command(
    clear: Annotated[
        bool, option("Run", "Remove every finished cell and all decoded images.", "--clear")
    ] = False,
    cache: Cache = None,
    json: Json = False,
) -> None:
    """Show where finished cells and decoded images are kept and how much room they take, or clear them."""
    import json as json_text

    from ppbench.data.decoded import kept
    from ppbench.data.file_sums import FOLDER, forget_sums
    from ppbench.errors import InputError
    from ppbench.evaluation.store import CELLS, CellStore, default_folder

    if cache is not None and not cache.is_dir():
        got = "a file" if cache.exists() else "no such folder"
        raise InputError(
            f"{cache}: expected the folder of a cache, got {got}: name the one of `eval --cache`"
        )
    store = CellStore(default_folder() if cache is None else cache / CELLS)
    cells, size = len(store.entries()), store.size()
    decoded = kept(cache)
    decoded_size = sum(path.stat().st_size for path in decoded)
    facts = {"folder": str(store.folder), "cells": cells, "bytes": size, "decoded_bytes": decoded_size}
    if clear:
        for path in decoded:
            path.unlink(missing_ok=True)
        forget_sums(store.folder.parent / FOLDER)
        facts["cleared"] = store.clear()
    if json:
        typer.echo(json_text.dumps(facts, indent=2))
    elif clear:
        typer.echo(f"cleared {facts['cleared']:,} cells of {store.folder}")
    else:
        typer.echo(f"{cells:,} finished cells, {size / 1e6:.1f} MB, in {store.folder}")
        if decoded:
            typer.echo(f"decoded images, {decoded_size / 1e6:.1f} MB, in {decoded[0].parent}")
