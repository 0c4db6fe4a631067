"""Training on whatever machine there is, through Lightning, from the start or from a kept state."""

import logging
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import lightning
import torch
from lightning.fabric.utilities.exceptions import MisconfigurationException
from lightning.pytorch.loggers import CSVLogger, TensorBoardLogger
from torch import nn

from ppbench.cpu_count import cap_torch_threads
from ppbench.data.image_set import ImageSet
from ppbench.errors import InputError
from ppbench.spelling import spelled
from ppbench.training.batches import Views, seed_of, source_of
from ppbench.training.hardware import Hardware, devices_of, synchronise, workers_of
from ppbench.training.module import Training
from ppbench.training.progress import OnStep, Reporter
from ppbench.training.recipe import Recipe
from ppbench.training.resume import AtomicCheckpointIO, Keeper, digest_of, identity_of, resumable


def fit(
    build: Callable[[], nn.Module],
    recipe: Recipe,
    images: ImageSet,
    *,
    seed: int,
    folder: Path,
    hardware: Hardware,
    identity: Mapping[str, Any] | None = None,
    fresh: bool = False,
    on_step: OnStep = lambda _progress: None,
) -> nn.Module | None:
    """Train a network from random weights, or go on from the state that is kept in `folder`.

    The state of the end stays in `folder`, for whoever saves the network to remove: `ppbench.training.resume.forget`.

    The same arguments give the same weights, bit for bit, on the same kind of CPU with the same number of threads. The
    caller's random state is left as it was.

    Args:
        build: makes the network; called once, with torch's generators seeded.
        recipe: how to train.
        images: the training images.
        seed: of the initial weights, the order, the augmentation and dropout.
        folder: of the state and the logs; it is made.
        hardware: where to train.
        identity: what makes it this training, where that is known already; None works it out.
        fresh: start again.
        on_step: called after each step, in the first process.

    Returns:
        The network in evaluation mode, on the CPU; None in all processes but the first.

    Raises:
        InputError: fewer images than a batch, a batch that cannot be shared out, a crop that the images cannot have,
            hardware that is not there or not of that precision, a state of another training, a damaged image, or the
            loss is no longer finite.
        KeyboardInterrupt: the user stopped it; the state that was kept last is there.
    """
    steps = len(images) // recipe.batch_size
    if steps == 0:
        raise InputError(
            f"{len(images)} training images do not fill a batch of {recipe.batch_size}: --set batch_size={len(images)}"
        )
    cap_torch_threads()
    accelerator, devices = devices_of(hardware)
    _check_precision(recipe, accelerator)
    views = Views(recipe, images.image_size[0], seed)
    source = source_of(images, recipe, views, seed, workers_of(hardware))
    if identity is None:
        identity = identity_of(recipe, seed, digest_of(images))
    with _quiet(), _seeded(seed):
        folder.mkdir(parents=True, exist_ok=True)
        kept = None if fresh else resumable(folder, identity)
        # Channels last is the layout that convolutions are fastest in, on the CPU and on tensor cores.
        network = build().to(memory_format=torch.channels_last).train()

        trainer = _trainer(
            accelerator=accelerator,
            devices=devices,
            num_nodes=hardware.nodes,
            strategy=hardware.strategy,
            precision=_PRECISION[recipe.precision],
            max_steps=steps * recipe.epochs,
            max_epochs=-1,
            gradient_clip_val=recipe.grad_clip or None,
            # The batches of an epoch are a pure function of its number: they are asked for before each one.
            reload_dataloaders_every_n_epochs=1,
            use_distributed_sampler=False,
            plugins=[AtomicCheckpointIO()],
            callbacks=[
                Keeper(folder, identity, steps, hardware.keep_every),
                Reporter(recipe.epochs, on_step),
            ],
            logger=_loggers(folder),
            log_every_n_steps=50,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            benchmark=False,
        )
        if trainer.world_size > 1:
            if recipe.batch_size % trainer.world_size:
                raise InputError(
                    f"expected a batch_size that {trainer.world_size} processes can share, got {recipe.batch_size}"
                )
            synchronise(network)
        module = Training(network, recipe, source, steps, views, seed)
        try:
            trainer.fit(module, ckpt_path=kept, weights_only=True)
        except SystemExit:
            if trainer.interrupted:  # Lightning ends the program itself
                raise KeyboardInterrupt from None
            raise
        if not trainer.is_global_zero:
            return None
    return network.cpu().float().eval()


_PRECISION: Mapping[str, Any] = {"32": "32-true", "bf16": "bf16-mixed", "16": "16-mixed", "64": "64-true"}


def _check_precision(recipe: Recipe, accelerator: str) -> None:
    """Refuse what Lightning would replace by another precision, with a warning."""
    if recipe.precision == "16" and accelerator == "cpu":
        raise InputError("expected precision 32 or bf16 on the CPU, got 16: --set precision=bf16")


def _trainer(**settings: Any) -> lightning.Trainer:
    """Return Lightning's trainer.

    Raises:
        InputError: it does not know the strategy, or has not so many devices or processes.
    """
    try:
        return lightning.Trainer(**settings)
    except (ValueError, MisconfigurationException) as error:
        reason = " ".join(str(error).split())
        raise InputError(f"Lightning cannot use this strategy or these devices here: {reason}") from error


def _loggers(folder: Path) -> list[CSVLogger | TensorBoardLogger]:
    """Return the loggers, in a folder for each start: one that goes on does not write over what was before."""
    starts = folder / "logs"
    version = f"start-{1 + sum(1 for _ in starts.glob('start-*'))}"
    table = CSVLogger(folder, "logs", version)
    # TensorBoard writes to no folder whose name is not UTF-8; the table of the losses is there all the same.
    return [table, TensorBoardLogger(folder, "logs", version)] if spelled(folder) == str(folder) else [table]


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep back what Lightning has to say about itself."""
    loggers = [logging.getLogger(name) for name in ("lightning.pytorch", "lightning.fabric")]
    before = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", module=r"lightning\..*")
            yield
    finally:
        for logger, level in zip(loggers, before, strict=True):
            logger.setLevel(level)


@contextmanager
def _seeded(seed: int) -> Iterator[None]:
    """Seed torch and ask for deterministic algorithms; put both back afterwards."""
    deterministic = torch.are_deterministic_algorithms_enabled()
    warn_only = torch.is_deterministic_algorithms_warn_only_enabled()
    memory: Any = torch.utils.deterministic  # a module with a property, which its types do not show
    fill = memory.fill_uninitialized_memory
    with torch.random.fork_rng():
        torch.manual_seed(seed_of("weights", seed))
        torch.use_deterministic_algorithms(True, warn_only=True)
        # Memory is written before it is read; to fill it first costs a tenth of a step.
        memory.fill_uninitialized_memory = False
        try:
            yield
        finally:
            torch.use_deterministic_algorithms(deterministic, warn_only=warn_only)
            memory.fill_uninitialized_memory = fill
