"""Where a training is, said after each step."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import lightning
from torch import Tensor

from ppbench.training.module import Training


@dataclass(frozen=True)
class Progress:
    """Where a training is.

    Attributes:
        step: steps done.
        steps: of the whole training.
        epochs: of the whole training.
        first_step: steps that were done when this process began.
        loss: of the last step, on its device: to look at it is to wait for it.
        seconds: since this process began to train.
    """

    step: int
    steps: int
    epochs: int
    first_step: int
    loss: Tensor
    seconds: float

    @property
    def epoch(self) -> int:
        """The epoch that the last step was in, from 1."""
        return -(-self.step * self.epochs // self.steps)

    @property
    def ends_epoch(self) -> bool:
        """Whether the last step was its epoch's last."""
        return self.step * self.epochs % self.steps == 0


OnStep = Callable[[Progress], None]


class Reporter(lightning.Callback):
    """Says after each step where the training is."""

    def __init__(self, epochs: int, on_step: OnStep) -> None:
        self._epochs = epochs
        self._on_step = on_step
        self._start = time.perf_counter()
        self._first = 0

    def on_train_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Start the clock."""
        del pl_module
        self._start, self._first = time.perf_counter(), trainer.global_step

    def on_train_batch_end(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, outputs: Any, *_: Any
    ) -> None:
        """Say it, in the first process."""
        if not trainer.is_global_zero:
            return
        assert isinstance(pl_module, Training)
        seconds = time.perf_counter() - self._start
        self._on_step(
            Progress(
                trainer.global_step,
                pl_module.steps,
                self._epochs,
                self._first,
                outputs["loss"].detach(),
                seconds,
            )
        )
