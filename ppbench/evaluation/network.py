"""A model made ready for the hot loop: its memory layout, its precision, compiled or not."""

from collections.abc import Collection, Sequence
from dataclasses import replace

import torch
from torch import Tensor, nn

from ppbench.errors import InputError
from ppbench.evaluation.chosen_outputs import ChosenOutputs
from ppbench.evaluation.precision import arithmetic
from ppbench.evaluation.reduction import Reduced, reduce
from ppbench.models.loaded_model import LoadedModel
from ppbench.models.registry import ARCHITECTURES

# Zoos whose networks are known to work in channels-last layout. In fp32 they keep the usual one all the same: the
# layout decides the order of sums, and with it the last bit of numbers that others compare with.
_ZOOS = ("torchvision:", "timm:")


def _compiled(module: nn.Module) -> nn.Module:
    made: nn.Module = torch.compile(module)  # type: ignore[assignment]  # a module becomes one
    return made


class Network:
    """Answers batches of images on the device that its model is on.

    Attributes:
        name: the model's.
        many_at_once: whether several threads may call it: not a network that is not ours, which may keep things
            between calls, and not a compiled one.
    """

    def __init__(self, model: LoadedModel, precision: str = "fp32", *, compiled: bool = False) -> None:
        """Make a model ready.

        Args:
            model: in evaluation mode, on its device.
            precision: one of `PRECISIONS`.
            compiled: whether to have torch compile it, at the first batch of each size.
        """
        ours = model.architecture in ARCHITECTURES
        # Channels last is the layout that convolutions are fastest in, on the CPU and on tensor cores; a network that
        # is not ours may flatten its maps with `view`, which that layout does not allow.
        last = ours or (precision != "fp32" and model.architecture.startswith(_ZOOS))
        self.name = model.name
        self.many_at_once = ours and not compiled
        self._layout = torch.channels_last if last else torch.contiguous_format
        self._precision = precision
        self._compiled = compiled
        self._answers = reduce if model.choice is None else ChosenOutputs(model.choice, model.device)
        self._model = replace(model, module=_compiled(model.module)) if compiled else model

    def __call__(self, images: Tensor, labels: Tensor) -> Reduced:
        """Return the answers to images uint8 (n, 3, H, W) with labels int64 (n,), both on the model's device."""
        with torch.inference_mode():
            return self._answers(self.logits(images), labels)

    def logits(self, images: Tensor) -> Tensor:
        """Return the logits, float32 (n, outputs), all of them, for images uint8 (n, 3, H, W) on the model's device."""
        with torch.inference_mode(), arithmetic(self._precision, images.device.type):
            try:
                return self._model.logits(images.contiguous(memory_format=self._layout))
            except (torch.OutOfMemoryError, InputError):
                raise
            except Exception as error:
                if self._compiled and type(error).__module__.startswith(("torch._dynamo", "torch._inductor")):
                    reason = " ".join(str(error).split())[:200]
                    raise InputError(
                        f"{self.name}: torch cannot compile it ({reason}): leave out --compile"
                    ) from error
                raise


def make_ready(
    models: Sequence[LoadedModel],
    unchanged: Collection[str],
    device: torch.device,
    precision: str,
    *,
    compiled: bool,
) -> list[Network]:
    """Move models to their device, in place, and return them ready for the hot loop.

    Args:
        models: the models of a run.
        unchanged: the names of those that nobody but the run has: their weights may change their layout.
        device: where they are to answer.
        precision: that they are to answer in.
        compiled: whether torch compiles them.
    """
    for model in models:
        model.to(device)
        if model.name in unchanged and model.architecture in ARCHITECTURES:
            model.module.to(memory_format=torch.channels_last)  # the layout of their batches
    return [Network(model, precision, compiled=compiled) for model in models]
