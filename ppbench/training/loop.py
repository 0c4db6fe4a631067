"""The training loop: plain torch, seeded, images resident as uint8 and augmented in batches."""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ppbench.data.image_set import ImageSet
from ppbench.errors import InputError
from ppbench.training.augmentation import random_shift
from ppbench.training.recipe import Recipe

_EVALUATION_BATCH = 250


@dataclass(frozen=True)
class Epoch:
    """One finished pass over the training images: its number from 1, of how many, and the mean training loss."""

    number: int
    epochs: int
    loss: float


def train(
    build: Callable[[], nn.Module],
    recipe: Recipe,
    images: ImageSet,
    *,
    seed: int,
    device: torch.device,
    on_epoch: Callable[[Epoch], None] = lambda _epoch: None,
) -> nn.Module:
    """Train a network from random weights.

    The same arguments give the same weights, bit for bit, on the same kind of CPU with the same number of threads.
    The caller's random state is left as it was.

    Args:
        build: makes the network; called once, with torch's generators seeded.
        recipe: how to train.
        images: the training images.
        seed: of the initial weights, the order, the augmentation and dropout.
        device: where to train.
        on_epoch: called after each epoch.

    Returns:
        The network in evaluation mode, on `device`.

    Raises:
        InputError: fewer images than a batch, or the loss is no longer finite.
    """
    if len(images) < recipe.batch_size:
        raise InputError(
            f"expected at least one batch of {recipe.batch_size} training images, got {len(images)}"
        )
    with _seeded(seed, device):
        # Channels last is the layout that convolutions are fastest in, on the CPU and on tensor cores.
        network = build().to(device).to(memory_format=torch.channels_last).train()
        pixels = torch.from_numpy(images.images[:]).to(device)
        labels = torch.from_numpy(images.labels).to(device)
        normalise = Normalisation(recipe, device)
        steps = len(images) // recipe.batch_size
        optimiser, schedule = _optimiser(network, recipe, steps * recipe.epochs)
        # A generator of its own: what dropout draws must not change which images come next.
        generator = torch.Generator().manual_seed(seed)
        for number in range(1, recipe.epochs + 1):
            total = torch.zeros((), device=device)
            order = torch.randperm(len(images), generator=generator).to(device)
            for rows in order[: steps * recipe.batch_size].view(steps, -1):
                batch = random_shift(pixels[rows], recipe.shift, generator).permute(0, 3, 1, 2)
                loss = F.cross_entropy(
                    network(normalise(batch)), labels[rows], label_smoothing=recipe.label_smoothing
                )
                optimiser.zero_grad(set_to_none=True)
                loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
                optimiser.step()
                schedule.step()
                total += loss.detach()
            mean = total.item() / steps
            if not math.isfinite(mean):
                raise InputError(
                    f"the loss is not finite in epoch {number}: expected a smaller lr than {recipe.lr}"
                )
            on_epoch(Epoch(number, recipe.epochs, mean))
    return network.eval()


def clean_error(network: nn.Module, recipe: Recipe, images: ImageSet, device: torch.device) -> float:
    """Return the share of images that the network gets wrong, per cent."""
    normalise = Normalisation(recipe, device)
    wrong = 0
    with torch.inference_mode():
        for start in range(0, len(images), _EVALUATION_BATCH):
            rows = slice(start, start + _EVALUATION_BATCH)
            batch = torch.from_numpy(images.images[rows]).to(device).permute(0, 3, 1, 2)
            answers = network(normalise(batch)).argmax(1).cpu()
            wrong += int((answers != torch.from_numpy(images.labels[rows])).sum())
    return 100.0 * wrong / len(images)


class Normalisation:
    """Makes a network's input of uint8 images: scaled to 0..1, minus the mean, over the standard deviation."""

    def __init__(self, recipe: Recipe, device: torch.device) -> None:
        self._mean = torch.tensor(recipe.mean, device=device).view(1, 3, 1, 1)
        self._std = torch.tensor(recipe.std, device=device).view(1, 3, 1, 1)

    def __call__(self, images: Tensor) -> Tensor:
        """Return (N, 3, H, W) float32 of (N, 3, H, W) uint8."""
        return (images.float() / 255.0 - self._mean) / self._std


def _optimiser(
    network: nn.Module, recipe: Recipe, total_steps: int
) -> tuple[torch.optim.Optimizer, torch.optim.lr_scheduler.LRScheduler]:
    optimiser = torch.optim.SGD(
        network.parameters(),
        lr=recipe.lr,
        momentum=recipe.momentum,
        nesterov=recipe.nesterov,
        weight_decay=recipe.weight_decay,
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser,
        max_lr=recipe.lr,
        total_steps=total_steps,
        pct_start=recipe.warmup,
        div_factor=recipe.warmup_divisor,
        final_div_factor=recipe.final_divisor,
        cycle_momentum=False,
    )
    return optimiser, schedule


@contextmanager
def _seeded(seed: int, device: torch.device) -> Iterator[None]:
    """Seed torch and ask for deterministic algorithms; put both back afterwards."""
    deterministic = torch.are_deterministic_algorithms_enabled()
    warn_only = torch.is_deterministic_algorithms_warn_only_enabled()
    with torch.random.fork_rng([device] if device.type == "cuda" else []):
        torch.manual_seed(seed)
        torch.use_deterministic_algorithms(True, warn_only=True)
        try:
            yield
        finally:
            torch.use_deterministic_algorithms(deterministic, warn_only=warn_only)
