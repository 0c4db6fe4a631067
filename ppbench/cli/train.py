"""`ppbench train`: train a network by a recipe."""

from pathlib import Path
from typing import Annotated

import typer


def train(
    recipe: Annotated[str, typer.Option(help="A shipped recipe's name, or a TOML file.")] = "digits",
    model: Annotated[
        str | None,
        typer.Option(help="An architecture of `ppbench models`. Default: the recipe's.", show_default=False),
    ] = None,
    seed: Annotated[
        int, typer.Option(min=0, help="Seed of the weights, the order and the augmentation.")
    ] = 0,
    epochs: Annotated[int | None, typer.Option(help="Instead of the recipe's.", show_default=False)] = None,
    root: Annotated[
        Path | None, typer.Option(help="The folder of the clean training images.", show_default=False)
    ] = None,
    device: Annotated[str, typer.Option(help="cpu, cuda, cuda:1, mps.")] = "cpu",
    out: Annotated[
        Path | None,
        typer.Option(help="Default: <model>-<recipe>.safetensors in this folder.", show_default=False),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Train a network and save it as safetensors, ready for `ppbench eval --checkpoint`."""
    from json import dumps
    from time import perf_counter

    import torch

    from ppbench.errors import InputError
    from ppbench.training.loop import Epoch
    from ppbench.training.run import run_recipe

    try:
        where = torch.device(device)
        torch.empty(0, device=where)
    except (
        RuntimeError,
        AssertionError,
    ) as error:  # torch was built without that backend, or has no such name
        raise InputError(f"expected a device that torch has here, got {device!r}") from error
    start = perf_counter()

    def on_epoch(epoch: Epoch) -> None:
        spent = perf_counter() - start
        left = spent / epoch.number * (epoch.epochs - epoch.number)
        typer.echo(
            f"epoch {epoch.number}/{epoch.epochs}  loss {epoch.loss:.4f}  {spent:.0f} s, {left:.0f} s left",
            err=True,
        )

    trained = run_recipe(
        recipe,
        model=model,
        seed=seed,
        root=root,
        out=out,
        device=where,
        overrides={} if epochs is None else {"epochs": epochs},
        on_epoch=on_epoch,
    )
    if json:
        typer.echo(dumps(trained.to_dict(), indent=2))
    else:
        typer.echo(
            f"{trained.file}: {trained.model}, clean error {trained.clean_error:.2f} % on {trained.test_images} "
            f"test images of {trained.recipe.data}, recipe {trained.recipe.name}, seed {trained.seed}"
        )
