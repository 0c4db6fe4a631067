"""What a training keeps so that it can go on after a kill, and the proof that it is the same training."""

import io
import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import lightning
import torch
from lightning.fabric.plugins import TorchCheckpointIO

from ppbench import atomic
from ppbench.errors import InputError
from ppbench.training.identity import difference

FILE = "last.ckpt"

_KEY = "ppbench"
_LOOK_EVERY = 100
"""Steps between two looks at the clock where several processes have to agree on what it says; one looks at each."""


class Keeper(lightning.Callback):
    """Saves the whole state after every epoch, and every so many seconds in between."""

    def __init__(
        self, folder: Path, identity: Mapping[str, Any], steps_of_epoch: int, seconds: float
    ) -> None:
        """Prepare to save.

        Args:
            folder: of the training.
            identity: what makes it this training.
            steps_of_epoch: after so many a state is saved.
            seconds: and after so many.
        """
        self._file = folder / FILE
        self._facts = json.dumps(dict(identity), sort_keys=True)
        self._steps_of_epoch = steps_of_epoch
        self._seconds = seconds
        self._saved = time.monotonic()

    def on_save_checkpoint(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Put in what makes it this training."""
        del trainer, pl_module
        checkpoint[_KEY] = self._facts

    def on_train_batch_end(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, *_: Any
    ) -> None:
        """Save where it is time."""
        step = trainer.global_step
        due = step % self._steps_of_epoch == 0
        if not due and (trainer.world_size == 1 or step % _LOOK_EVERY == 0):
            late = time.monotonic() - self._saved >= self._seconds
            due = trainer.strategy.reduce_boolean_decision(late, all=False)
        if due:
            _must_be_finite(pl_module, self._file, step)
            trainer.save_checkpoint(self._file)
            self._saved = time.monotonic()


def _must_be_finite(module: lightning.LightningModule, file: Path, step: int) -> None:
    """Refuse to replace a good state by a spoilt one."""
    for name, parameter in module.named_parameters():
        if not bool(torch.isfinite(parameter).all()):
            kept = f"; {file} is of an earlier step" if file.exists() else ""
            raise InputError(
                f"expected finite weights, got {name.removeprefix('network.')} with others after step {step}: "
                f"choose a smaller lr{kept}"
            )


class AtomicCheckpointIO(TorchCheckpointIO):
    """Writes a checkpoint beside its place and renames it: a full disk or a kill leaves the one before."""

    def save_checkpoint(self, checkpoint: dict[str, Any], path: Any, storage_options: Any = None) -> None:
        """Write it."""
        del storage_options
        # Through memory: torch tells a full disk by an error of its own, which does not say so.
        buffer = io.BytesIO()
        torch.save(checkpoint, buffer)
        with atomic.writing(Path(path)) as file:
            file.write(buffer.getbuffer())


def forget(folder: Path) -> None:
    """Remove the state: what came of the training is safe. Its logs stay."""
    (folder / FILE).unlink(missing_ok=True)


def keeps(folder: Path, identity: Mapping[str, Any]) -> bool:
    """Return whether a state is kept, and of this training.

    Raises:
        InputError: there is one, but damaged.
    """
    facts = _facts_of(folder / FILE)
    return facts is not None and difference(identity, facts) is None


def resumable(folder: Path, identity: Mapping[str, Any]) -> Path | None:
    """Return the state that a training goes on from; None where there is none.

    Args:
        folder: of the training.
        identity: what makes it this training.

    Raises:
        InputError: the state is damaged, or another training's.
    """
    file = folder / FILE
    facts = _facts_of(file)
    if facts is None:
        return None
    if other := difference(identity, facts):
        raise InputError(
            f"{file}: expected a training with {other}: choose another --out, or start again with --fresh"
        )
    return file


def _facts_of(file: Path) -> dict[str, Any] | None:
    """Return what a state says of its training; None where there is no state."""
    if not file.exists():
        return None
    try:
        # Mapped: the weights, hundreds of megabytes of them, are not looked at here.
        facts: dict[str, Any] = json.loads(
            torch.load(file, map_location="cpu", weights_only=True, mmap=True)[_KEY]
        )
    except Exception as error:  # a damaged file can raise anything
        raise InputError(
            f"{file}: expected the state of a training, got a damaged file: start again with --fresh"
        ) from error
    return facts
