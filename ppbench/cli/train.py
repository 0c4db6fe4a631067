"""`ppbench train`: train a network by a recipe."""

import shlex
from pathlib import Path
from typing import Annotated, Any

import typer

from ppbench.cli import completion
from ppbench.cli.help_screen import Command
from ppbench.cli.options import Classes, Device, Json, option


def train(
    recipe: Annotated[
        str,
        option(
            "Recipe",
            "A recipe below, or a TOML file.",
            metavar="NAME",
            autocompletion=completion.one_of(completion.recipes),
        ),
    ] = "digits",
    model: Annotated[
        str | None,
        option(
            "Recipe",
            "A name of `ppbench models --architectures`. Default: the recipe's.",
            metavar="NAME",
            show_default=False,
            autocompletion=completion.one_of(completion.architectures),
        ),
    ] = None,
    augmentation: Annotated[
        str | None,
        option(
            "Recipe",
            "none, autoaugment, randaugment, trivialaugment, augmix, augmix-all-ops or prime. Default: the recipe's.",
            metavar="NAME",
            show_default=False,
            autocompletion=completion.one_of(completion.augmentations),
        ),
    ] = None,
    epochs: Annotated[
        int | None, option("Recipe", "Instead of the recipe's.", metavar="N", show_default=False)
    ] = None,
    seed: Annotated[
        int,
        option("Recipe", "Seed of the weights, the order and the augmentation.", min=0, metavar="N"),
    ] = 0,
    change: Annotated[
        list[str] | None,
        option(
            "Recipe",
            "Any field of the recipe: --set lr=0.1. Repeatable.",
            "--set",
            metavar="FIELD=VALUE",
            show_default=False,
        ),
    ] = None,
    root: Annotated[
        Path | None,
        option("Data", "The folder of the training images.", metavar="FOLDER", show_default=False),
    ] = None,
    test: Annotated[
        Path | None,
        option("Data", "The clean test images, if they lie elsewhere.", metavar="FOLDER", show_default=False),
    ] = None,
    classes: Classes = None,
    device: Device = "auto",
    devices: Annotated[
        int | None,
        option("Machine", "How many of them, in each node.", min=1, metavar="N", show_default=False),
    ] = None,
    nodes: Annotated[int, option("Machine", "How many machines.", min=1, metavar="N")] = 1,
    strategy: Annotated[
        str, option("Machine", "How processes work together: a name of Lightning's.", metavar="NAME")
    ] = "auto",
    workers: Annotated[
        int | None,
        option(
            "Machine",
            "Processes that read image files, for each training process.",
            min=0,
            metavar="N",
            show_default=False,
        ),
    ] = None,
    fresh: Annotated[bool, option("Run", "Start again, whatever state or file there is.", "--fresh")] = False,
    keep_every: Annotated[
        float,
        option(
            "Run",
            "Seconds after which the state is kept, beside each epoch's end.",
            min=0,
            metavar="SECONDS",
        ),
    ] = 600.0,
    out: Annotated[
        Path | None,
        option(
            "Output",
            "The file to write. Default: <model>-<recipe>.safetensors in this folder.",
            metavar="FILE",
            show_default=False,
        ),
    ] = None,
    bits: Annotated[
        int,
        option(
            "Output",
            "Of each saved weight: 32, 16 (half the file) or 8 (a quarter of it).",
            metavar="N",
        ),
    ] = 32,
    json: Json = False,
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
        from ppbench.data.training_sets import find_training
        from ppbench.device import check_device_name
        from ppbench.models.registry import architecture
        from ppbench.training.recipe import load_recipe

        overrides = _fields(change or [])
        if epochs is not None:
            overrides["epochs"] = epochs
        if augmentation is not None:
            overrides["augmentation"] = augmentation
        how = load_recipe(recipe, overrides, model=model)
        architecture(how.model)
        check_device_name(device)
        find_training(how.data, root=root, test=test, classes=classes)
        _require_extra()  # takes seconds: mistakes are found before
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
        images = ["--data", trained.recipe.data]
        images += ["--root", str(place)] if (place := test or root) else []
        images += ["--classes", classes] if classes else []
        told = shlex.join(["ppbench", "eval", "--checkpoint", str(trained.file), *images])
        typer.echo(f"How robust is it? {told}")


class TrainCommand(Command):
    """`ppbench train`, whose help lists the recipes that ship."""

    def listed(self) -> tuple[str, list[tuple[str, str]]]:
        """Return every recipe with its description."""
        from ppbench.training.recipe import load_recipe, recipe_names

        return "Recipes", [(name, load_recipe(name).description) for name in recipe_names()]


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
