"""The optimiser, and how its learning rate goes from step to step."""

from collections.abc import Iterable

import torch
from torch import nn

from ppbench.errors import InputError
from ppbench.training.recipe import Recipe

Optimisation = tuple[torch.optim.SGD, torch.optim.lr_scheduler.LRScheduler]


def optimisation(parameters: Iterable[nn.Parameter], recipe: Recipe, steps: int) -> Optimisation:
    """Return SGD on all parameters, and its schedule, which is stepped after every batch.

    ``one-cycle`` (Smith and Topin 2019, in PyTorch's two-phase cosine form) rises from `lr_start` to `lr` and falls to
    `lr_end`; the momentum stays. ``one-cycle-2024`` is what PushPull-Net's public script really runs with the same
    three rates: it divides the first rate, not the highest, by lr / lr_end, so that it ends at
    lr_start * lr_end / lr; and PyTorch's default lets the momentum fall from 0.95 to 0.85 while the rate rises, and
    rise again. ``thirds`` is divided by ten after each third of the epochs, rounded down as the script does it: with 20
    epochs after 6, 12 and 18.

    Args:
        parameters: of the network; weight decay is on all of them, as in the public script.
        recipe: how to train.
        steps: of the whole training.

    Raises:
        InputError: the training has one step of warm-up or less.
    """
    if recipe.schedule != "thirds" and recipe.warmup * steps <= 1:
        raise InputError(
            f"expected a warm-up of more than one step, got {recipe.warmup:g} of {steps} steps: train longer"
        )
    optimiser = torch.optim.SGD(
        parameters,
        lr=recipe.lr,
        momentum=recipe.momentum,
        nesterov=recipe.nesterov,
        weight_decay=recipe.weight_decay,
    )
    if recipe.schedule == "thirds":
        third = steps // recipe.epochs * (recipe.epochs // 3)  # a recipe has three epochs for it
        return optimiser, torch.optim.lr_scheduler.StepLR(optimiser, third, gamma=0.1)
    as_it_ran = recipe.schedule == "one-cycle-2024"
    return optimiser, torch.optim.lr_scheduler.OneCycleLR(
        optimiser,
        max_lr=recipe.lr,
        total_steps=steps,
        pct_start=recipe.warmup,
        div_factor=recipe.lr / recipe.lr_start,
        final_div_factor=(recipe.lr if as_it_ran else recipe.lr_start) / recipe.lr_end,
        cycle_momentum=as_it_ran,
        base_momentum=0.85,
        max_momentum=0.95,
    )
