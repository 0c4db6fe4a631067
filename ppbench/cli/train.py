"""`ppbench train`: train a network by a recipe."""

from pathlib import Path
from typing import Annotated, Any

import typer


def train(
    recipe: Annotated[str, typer.Option(help="A shipped recipe's name, or a TOML file.")] = "digits",
    model: Annotated[
        str | None,
        typer.Option(help="An architecture of `ppbench models`. Default: the recipe's.", show_default=False),
    ] = None,
    augmentation: Annotated[
        str | None,
        typer.Option(
            help="none, autoaugment, randaugment, trivialaugment, augmix, augmix-all-ops or prime.",
            show_default=False,
        ),
    ] = None,
    seed: Annotated[
        int, typer.Option(min=0, help="Seed of the weights, the order and the augmentation.")
    ] = 0,
    epochs: Annotated[int | None, typer.Option(help="Instead of the recipe's.", show_default=False)] = None,
    change: Annotated[
        list[str] | None,
        typer.Option("--set", help="Any field of the recipe: --set lr=0.1.", show_default=False),
    ] = None,
    root: Annotated[
        Path | None, typer.Option(help="The folder of the training images.", show_default=False)
    ] = None,
    test: Annotated[
        Path | None,
        typer.Option(help="The clean test images, if they lie elsewhere.", show_default=False),
    ] = None,
    classes: Annotated[
        str | None, typer.Option(help="The order of class folders; as in `ppbench eval`.", show_default=False)
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1, mps.")] = "auto",
    devices: Annotated[
        int | None, typer.Option(min=1, help="How many of them, in each node.", show_default=False)
    ] = None,
    nodes: Annotated[int, typer.Option(min=1, help="How many machines.")] = 1,
    strategy: Annotated[
        str, typer.Option(help="How processes work together: a name of Lightning's.")
    ] = "auto",
    workers: Annotated[
        int | None,
        typer.Option(
            min=0, help="Processes that read image files, for each training process.", show_default=False
        ),
    ] = None,
    keep_every: Annotated[
        float, typer.Option(min=0, help="Seconds after which the state is kept, beside each epoch's end.")
    ] = 600.0,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Start again, whatever state or file there is.")
    ] = False,
    bits: Annotated[
        int, typer.Option(help="Of each saved weight: 32, 16 (half the file) or 8 (a quarter of it).")
    ] = 32,
    out: Annotated[
        Path | None,
        typer.Option(help="Default: <model>-<recipe>.safetensors in this folder.", show_default=False),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Train a network and save it as safetensors, ready for `ppbench eval --checkpoint`.

    The state is kept beside the file: the same command, without --fresh, goes on after a kill, to the same weights.
    """
    from json import dumps

    from ppbench.cli.failure import interruptible

    # Around the imports too: Lightning's take seconds, and a Ctrl-C in them should not end in silence.
    with interruptible(
        f"the same command{' without --fresh' * fresh} goes on from the last state that was kept, after an epoch "
        f"or {keep_every:g} s; where there is none yet, it starts again"
    ):
        from ppbench.models.registry import architecture
        from ppbench.training.recipe import load_recipe

        overrides = _fields(change or [])
        if epochs is not None:
            overrides["epochs"] = epochs
        if augmentation is not None:
            overrides["augmentation"] = augmentation
        architecture(load_recipe(recipe, overrides, model=model).model)
        _require_extra()
        from ppbench.cli.training_progress import training_progress
        from ppbench.models.storage import checked_bits
        from ppbench.training.hardware import Hardware
        from ppbench.training.run import run_recipe

        with training_progress() as progress:
            trained = run_recipe(
                recipe,
                model=model,
                seed=seed,
                root=root,
                test=test,
                classes=classes,
                out=out,
                hardware=Hardware(device, devices, nodes, strategy, keep_every, workers),
                overrides=overrides,
                fresh=fresh,
                bits=checked_bits(bits),
                on_step=progress,
                on_note=lambda line: typer.echo(f"ppbench: {line}", err=True),
            )
    if trained is None:  # the first process has it
        return
    if json:
        typer.echo(dumps(trained.to_dict(), indent=2))
    else:
        typer.echo(
            f"{trained.file}: {trained.model}, clean error {trained.clean_error:.2f} % on {trained.test_images:,} "
            f"test images of {trained.recipe.data}, recipe {trained.recipe.name}, seed {trained.seed}"
        )


def _require_extra() -> None:
    """Import what trains.

    Raises:
        InputError: the extra `train` is not installed.
    """
    from ppbench.errors import InputError

    try:
        import ppbench.training.run  # noqa: F401  a real import: what is found may be broken
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] not in ("lightning", "tensorboard"):
            raise
        raise InputError(
            f"expected the package {error.name.partition('.')[0]}, got none: pip install lightning tensorboard"
        ) from error


def _fields(changes: list[str]) -> dict[str, Any]:
    """Return the fields that ``KEY=VALUE`` set; a value is TOML, or a word.

    Raises:
        InputError: there is no ``=`` in it.
    """
    import tomllib

    from ppbench.errors import InputError

    found: dict[str, Any] = {}
    for change in changes:
        key, equals, value = change.partition("=")
        if not equals:
            raise InputError(f"expected --set FIELD=VALUE, got {change!r}")
        try:
            found[key] = tomllib.loads(f"value = {value}")["value"]
        except tomllib.TOMLDecodeError:
            found[key] = value
    return found
