"""A model card: what a trained network is, what it was shown, what it gets wrong, and what not to conclude from it."""

import json
import shlex
from collections.abc import Mapping
from typing import Any

import torch

from ppbench.data.image_set import ImageSet
from ppbench.models.loaded_model import LoadedModel
from ppbench.models.storage import Bits
from ppbench.training.augmentations.overlap import overlap
from ppbench.training.recipe import Recipe, load_recipe, recipe_names

_BATCH = 250


def clean_error(model: LoadedModel, images: ImageSet) -> float:
    """Return the share of images that a model gets wrong, per cent, in single precision."""
    wrong = 0
    for start in range(0, len(images), _BATCH):
        rows = slice(start, start + _BATCH)
        batch = torch.from_numpy(images.images[rows]).permute(0, 3, 1, 2)
        answers = model.logits(batch).argmax(1)
        wrong += int((answers != torch.from_numpy(images.labels[rows])).sum())
    return 100.0 * wrong / len(images)


_SCHEDULES = {
    "one-cycle": "one cycle up to {lr:g}, down to {lr_end:g}",
    "one-cycle-2024": "one cycle up to {lr:g} as PushPull-Net's script ran it, momentum cycling too",
    "thirds": "learning rate {lr:g}, divided by ten at each third",
}


def card(
    title: str,
    facts: dict[str, Any],
    recipe: Recipe,
    images: ImageSet,
    parameters: int,
    sha256: str,
    *,
    bits: Bits = 32,
    overrides: Mapping[str, Any] | None = None,
) -> str:
    """Return the card as Markdown.

    Args:
        title: what the network is called.
        facts: the metadata of its file.
        recipe: how it was trained.
        images: what it was trained on.
        parameters: how many it has.
        sha256: of its file, in hexadecimal.
        bits: of its stored kernels' numbers.
        overrides: the fields that were changed on the command line.
    """
    spec = facts["input"]
    numbers = [", ".join(f"{value:g}" for value in spec[key]) for key in ("mean", "std")]
    momentum = f"{'Nesterov ' if recipe.nesterov else ''}momentum {recipe.momentum:g}"
    schedule = _SCHEDULES[recipe.schedule].format(lr=recipe.lr, lr_end=recipe.lr_end)
    rows = {
        "architecture": f"`{facts['architecture']}`, {parameters:,} parameters, {facts['num_classes']} classes",
        "input": f"{facts['image_size']} pixels, RGB, scaled to 0..1, mean {numbers[0]}, std {numbers[1]}",
        "trained on": f"{len(images):,} training images of {facts['data']}, digest `{facts['data_digest'][:32]}`",
        "recipe": f"`{recipe.name}`: {recipe.epochs} epochs, batches of {recipe.batch_size}, SGD with {momentum}, "
        f"{schedule}, weight decay {recipe.weight_decay:g}, precision {recipe.precision}",
        "augmentation": _augmentation(recipe),
        "overlap with the benchmark": _overlap(recipe),
        "seed": str(facts["seed"]),
        "clean error": f"{facts['clean_error']:.2f} % of {facts['test_images']:,} test images",
        "stored": _stored(facts, bits),
        "SHA-256": f"`{sha256}`",
    }
    table = "\n".join(f"| {key} | {value} |" for key, value in rows.items())
    fewer = "" if bits == 32 else f" --bits {bits}"
    again = f"ppbench train {_recipe(recipe, overrides or {})} --seed {facts['seed']}{fewer}"
    return f"""# {title}

| | |
|---|---|
{table}

Made by `{again}` of ppbench {facts["ppbench"]}. Another number of threads or kind of processor adds in another order:
its weights, and a few of its answers, differ.
"""


def _recipe(recipe: Recipe, overrides: Mapping[str, Any]) -> str:
    """Return the options that name a recipe with all that was changed: of a file, what the command line said."""
    plain = recipe.to_dict()
    if recipe.name in recipe_names():
        named = recipe.name
        shipped = load_recipe(recipe.name, model=recipe.model).to_dict()
        changed = [key for key in plain if plain[key] != shipped[key]]
    else:
        named = shlex.quote(recipe.name + ".toml")
        changed = [key for key in plain if key in overrides and key != "model"]
    changes = [
        f" --set {shlex.quote(f'{key}={plain[key] if isinstance(plain[key], str) else json.dumps(plain[key])}')}"
        for key in changed
    ]
    return f"--recipe {named} --model {recipe.model}{''.join(changes)}"


def _stored(facts: Mapping[str, Any], bits: Bits) -> str:
    """Return how the weights are stored, and what that did to the clean error."""
    if bits == 32:
        return "single precision"
    how = {16: "in half precision", 8: "in 8 bits, with a scale for each output channel"}[bits]
    before = f"{facts['clean_error_before']:.2f} %"
    return f"kernels {how}, with which the clean error was measured; before storing it was {before}"


def _augmentation(recipe: Recipe) -> str:
    parts = (
        [f"shifts of up to {recipe.shift} pixels ({recipe.shift_fill} at the edges)"] if recipe.shift else []
    )
    parts += (
        [{"centre-scale": "random crops", "any-scale": "random crops of any scale"}[recipe.crop]]
        if (recipe.crop != "none")
        else []
    )
    parts += ["mirroring"] if recipe.flip else []
    parts += [recipe.augmentation] if recipe.augmentation != "none" else []
    parts += [f"consistency loss of weight {recipe.jsd:g}"] if recipe.jsd else []
    return ", ".join(parts) or "none"


def _overlap(recipe: Recipe) -> str:
    found = overlap(recipe.augmentation)
    named = f"**{', '.join(found.corruptions)}**. " if found.corruptions else "none. "
    return named + found.note
