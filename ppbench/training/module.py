"""What Lightning trains: the network, the loss of a step, the optimiser; all that is random follows from the step."""

import math
from collections.abc import Callable
from typing import Any

import lightning
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ppbench.errors import InputError
from ppbench.training.augmentations.augmix import jsd_loss
from ppbench.training.batches import Batch, Source, Views, checked, seed_of
from ppbench.training.recipe import Recipe
from ppbench.training.schedule import optimisation

_LOOK_EVERY = 50
"""Steps between two looks at the loss on a GPU: each one waits for the device."""


class Training(lightning.LightningModule):
    """A network in training by a recipe."""

    def __init__(
        self,
        network: nn.Module,
        recipe: Recipe,
        source: Callable[[torch.device], Source],
        steps_of_epoch: int,
        views: Views,
        seed: int,
    ) -> None:
        super().__init__()
        self.network = network
        self._recipe = recipe
        self._make_source = source
        self._source: Source | None = None
        self._steps_of_epoch = steps_of_epoch
        self._views = views
        self._seed = seed

    @property
    def steps(self) -> int:
        """Steps of the whole training."""
        return self._steps_of_epoch * self._recipe.epochs

    def setup(self, stage: str) -> None:
        """Read the images, to the device that this process trains on."""
        del stage
        self._source = self._make_source(self.trainer.strategy.root_device)

    def train_dataloader(self) -> Any:
        """Return the batches of the epoch that are still to come; Lightning asks before every epoch."""
        assert self._source is not None
        # The step says where we are, whatever Lightning counts as an epoch after it went on from a kept state.
        epoch, first = divmod(self.global_step, self._steps_of_epoch)
        return self._source.epoch(
            epoch, first=first, rank=self.trainer.global_rank, processes=self.trainer.world_size
        )

    def transfer_batch_to_device(self, batch: Any, device: torch.device, dataloader_idx: int) -> Any:
        """Return the batch with its images and labels on the device; ids stay where draws are made."""
        del dataloader_idx
        if isinstance(batch, str):
            return batch
        views, labels = (part.to(device, non_blocking=True) for part in batch[1:])
        return Batch(batch.ids, views, labels)

    def training_step(self, batch: Batch | str, _index: int) -> Tensor:
        """Return the loss of a batch.

        Raises:
            InputError: the loss is not finite, or an image is damaged.
        """
        batch = checked(batch)
        step = self.global_step
        # What dropout draws follows from the step alone: a training that was cut off goes on as if it had not been.
        torch.manual_seed(seed_of("dropout", self._seed, step, self.global_rank))
        views = self._views.in_batches(batch.views, batch.ids, step)
        count = views.shape[0]
        inputs = views.flatten(0, 1).contiguous(memory_format=torch.channels_last)
        logits = self.network(inputs.double() if self._recipe.precision == "64" else inputs)
        if self._recipe.precision != "64":
            logits = logits.float()
        logits = logits.unflatten(0, (count, -1))
        # With several views the labels are asked of the clean one, which is the first.
        loss = F.cross_entropy(logits[0], batch.labels, label_smoothing=self._recipe.label_smoothing)
        if self._recipe.jsd:
            loss = loss + jsd_loss(logits[0], logits[1], logits[2], weight=self._recipe.jsd)
        if self.device.type == "cpu" or step % _LOOK_EVERY == 0:
            self._must_be_finite(loss.item())
        self.log("loss", loss.detach(), on_step=True, on_epoch=True)
        return loss

    def _must_be_finite(self, loss: float) -> None:
        if not math.isfinite(loss):
            raise InputError(
                f"expected a finite loss, got {loss} in step {self.global_step + 1} of {self.steps}: "
                f"choose a smaller lr than {self._recipe.lr:g}"
            )

    def configure_optimizers(self) -> Any:
        """Return the optimiser and the schedule, stepped per batch."""
        optimiser, schedule = optimisation(self.network.parameters(), self._recipe, self.steps)
        return {"optimizer": optimiser, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}
