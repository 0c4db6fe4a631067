"""How a training goes on after a kill: which training it is, its lock, its state, and whether it is done already."""

import hashlib
import io
import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import lightning
import torch
from lightning.fabric.plugins import TorchCheckpointIO

from ppbench import atomic
from ppbench.data.image_files import ImageFiles
from ppbench.data.image_set import ImageSet
from ppbench.errors import InputError
from ppbench.locking import held
from ppbench.models.reading import read
from ppbench.models.storage import BITS_KEY, Bits
from ppbench.training.batches import fits
from ppbench.training.recipe import Recipe


def digest_of(images: ImageSet) -> str:
    """Return the set's SHA-256; of one that is too large to be read for it, that of its files' names and sizes.

    A hundred gigabytes would be read for minutes before the first step: their digest begins with ``names-and-sizes:``.
    """
    if fits(images) or not isinstance(images.images, ImageFiles):
        return images.digest
    digest = hashlib.sha256(images.labels.astype("<i8").tobytes())
    for name in images.images.names:
        size = (images.images.folder / name).stat().st_size
        digest.update(f"{name} {size}\n".encode(errors="surrogateescape"))
    return f"names-and-sizes:{digest.hexdigest()}"


_IN_WORDS_ONLY = "description"
"""The field of a recipe that decides nothing."""


def identity_of(recipe: Recipe, seed: int, data_digest: str) -> dict[str, Any]:
    """Return what makes a training this one, as JSON knows it; the digest is that of its images."""
    facts = {"recipe": recipe.to_dict(), "seed": seed, "data_digest": data_digest}
    plain: dict[str, Any] = json.loads(json.dumps(facts))
    return plain


def difference(wanted: Mapping[str, Any], found: Mapping[str, Any]) -> str | None:
    """Return how what was found is of another training, as ``seed 1, got 0``; None if it is of the wanted one.

    Args:
        wanted: an identity.
        found: what a file or a state says of itself; it may say more.
    """
    for key, expected in wanted.items():
        ours, theirs = _deciding(expected), _deciding(found.get(key))
        if ours != theirs:
            return f"{key.replace('_', ' ')} {_short(ours, theirs)}, got {_short(theirs, ours)}"
    return None


def _deciding(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    return {key: one for key, one in value.items() if key != _IN_WORDS_ONLY}


def _short(value: Any, other: Any) -> str:
    """Return a value in words; of a table only what differs."""
    if isinstance(value, dict) and isinstance(other, dict):
        value = {key: value.get(key) for key in value if value.get(key) != other.get(key)}
    return json.dumps(value)


LOCK = ".lock"


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Hold the folder of a training while the block runs; it is made, and removed again if nothing is left in it.

    The lock ends with its process, however that dies: the processes that read images, which end some seconds later,
    do not hold on to it. It holds between the processes of a machine, and where the file system has locks for several
    also between machines.

    Raises:
        InputError: another process trains there.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / LOCK
    with held(path, wait=False) as mine:
        if not mine:
            raise InputError(
                f"{folder}: another training is at work there: wait for it, or choose another --out"
            )
        try:
            yield
        finally:
            if folder.is_dir() and [each.name for each in folder.iterdir()] == [LOCK]:
                # Windows removes no file that is open: an empty folder stays there.
                with suppress(PermissionError):
                    path.unlink()
                    folder.rmdir()


STATE = "last.ckpt"

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
        self._file = folder / STATE
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
    (folder / STATE).unlink(missing_ok=True)


def keeps(folder: Path, identity: Mapping[str, Any]) -> bool:
    """Return whether a state is kept, and of this training.

    Raises:
        InputError: there is one, but damaged.
    """
    facts = _facts_of(folder / STATE)
    return facts is not None and difference(identity, facts) is None


def resumable(folder: Path, identity: Mapping[str, Any]) -> Path | None:
    """Return the state that a training goes on from; None where there is none.

    Args:
        folder: of the training.
        identity: what makes it this training.

    Raises:
        InputError: the state is damaged, or another training's.
    """
    file = folder / STATE
    facts = _facts_of(file)
    if facts is None:
        return None
    if other := difference(identity, facts):
        raise InputError(
            f"{file}: the state of another training (expected {other}): choose another --out, or start again with "
            "--fresh"
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
        raise InputError(f"{file}: damaged state of a training: start again with --fresh") from error
    return facts


def finished(file: Path, identity: Mapping[str, Any], *, bits: Bits) -> dict[str, Any] | None:
    """Return what the file of a training says of itself; None if there is no file yet.

    Hours of another training are not replaced in silence, and those of this one are not repeated.

    Args:
        file: where the training's network is written.
        identity: what makes it this training.
        bits: of its stored kernels' numbers.

    Raises:
        InputError: there is a file, of another training or of none that ppbench did.
    """
    if not file.exists():
        return None
    found = read(file)
    other = difference(identity, found.metadata)
    halved = any(tensor.dtype == torch.float16 for tensor in found.content.values())
    stored = found.metadata.get(BITS_KEY, 16 if halved else 32)  # files of before said nothing of it
    if other is None and bits != stored:
        other = f"kernels of {bits} bits, got them in {stored}"
    if other is not None:
        raise InputError(
            f"{file}: is there already, of another training (expected {other}): choose another --out, or replace it "
            "with --fresh"
        )
    return found.metadata
