"""`ppbench eval`: evaluate models on clean and corrupted images."""

from pathlib import Path
from typing import Annotated

import typer


def eval_command(
    model: Annotated[
        list[str] | None,
        typer.Option(
            help="A name of `ppbench models`, torchvision:NAME, FILE.py:factory, or NAME=FILE. Repeatable.",
            show_default=False,
        ),
    ] = None,
    checkpoint: Annotated[
        list[Path] | None,
        typer.Option(help="Weights for --model. Repeatable, in the same order.", show_default=False),
    ] = None,
    data: Annotated[str, typer.Option(help="The data set: digits-c, cifar10-c, cifar100-c.")] = "digits-c",
    root: Annotated[
        Path | None,
        typer.Option(help="A published -C folder, a clean data set, or an .npz.", show_default=False),
    ] = None,
    source: Annotated[str, typer.Option(help="auto, published (official files) or generated.")] = "auto",
    corruptions: Annotated[
        str, typer.Option(help="benchmark (15), all (15 + 4), extra, a group, or names with commas.")
    ] = "benchmark",
    corruption_file: Annotated[
        list[Path] | None,
        typer.Option(
            help="A Python file with corruptions of your own; name them in --corruptions.", show_default=False
        ),
    ] = None,
    severities: Annotated[str, typer.Option(help="For example 1-5 or 1,3,5.")] = "1-5",
    limit: Annotated[
        int | None,
        typer.Option(help="A stratified subset of so many images, fixed by --seed.", show_default=False),
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of the generated corruptions and of the subset.")] = 0,
    generator: Annotated[
        str, typer.Option(help="ppbench, or imagecorruptions (the PyPI package, mended) to compare with.")
    ] = "ppbench",
    jpeg: Annotated[
        bool,
        typer.Option(
            "--jpeg/--no-jpeg", help="The JPEG step of generated ImageNet-C and Tiny-ImageNet-C images."
        ),
    ] = True,
    batch_size: Annotated[
        int | None,
        typer.Option(
            help="Images per forward pass. Default: 100 on a CPU, 1000 on a GPU.", show_default=False
        ),
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1, mps.")] = "auto",
    normaliser: Annotated[
        str, typer.Option(help="auto, measured (an AlexNet of this run), none, a table's name, or a file.")
    ] = "auto",
    baseline_model: Annotated[
        str | None, typer.Option(help="The model of this run that R_net compares with.", show_default=False)
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="The run's folder. Default: results/<time>-<data>.", show_default=False),
    ] = None,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Make every cell again, whatever the store has.")
    ] = False,
    store: Annotated[
        bool, typer.Option("--store/--no-store", help="Keep finished cells, and take them from the store.")
    ] = True,
    json: Annotated[bool, typer.Option("--json", help="Print scores.json instead of the table.")] = False,
) -> None:
    """Evaluate models on every corruption at every severity, score them, and write the tables."""
    from corruptions import load_file
    from ppbench.cli.failure import interruptible
    from ppbench.cli.progress import eval_progress
    from ppbench.models.requests import pair
    from ppbench.reporting import scores_json, terminal
    from ppbench.runs.evaluate import default_folder, evaluate

    for file in corruption_file or []:
        load_file(file)
    requests = pair(model or [], checkpoint or [])
    folder = out or default_folder(data)
    kept = (
        "finished cells are kept, the same command goes on from them"
        if store
        else "nothing was kept (--no-store)"
    )
    with interruptible(kept), eval_progress() as progress:
        run = evaluate(
            requests,
            data=data,
            root=root,
            source=source,
            corruptions=corruptions,
            severities=severities,
            limit=limit,
            seed=seed,
            generator=generator,
            jpeg=jpeg,
            batch_size=batch_size,
            device=device,
            normaliser=normaliser,
            baseline_model=baseline_model,
            out=folder,
            store=store,
            fresh=fresh,
            on_batch=progress,
            on_warning=lambda line: typer.echo(f"ppbench: warning: {line}", err=True),
        )
    if json:
        typer.echo(scores_json.render(run.scores, run.context), nl=False)
    else:
        terminal.show(run.scores, run.context)
        typer.echo(
            f"\nThe tables are in {folder}: table.md, errors.csv, scores.json; run.json says how they were made."
        )
