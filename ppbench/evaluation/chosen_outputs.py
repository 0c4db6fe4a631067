"""From a network's logits to answers about the data's classes, where it has more outputs than they are.

A class is answered by its label. Where all outputs count, an output that is none of the classes is answered by the
number of classes plus its index: it is nobody's label, so it is an error, and it can be told which output it was.
"""

import torch
from torch import Tensor

from ppbench.evaluation.answers import INVALID
from ppbench.evaluation.reduction import Reduced, reduce
from ppbench.models.output_choice import OutputChoice


class ChosenOutputs:
    """Reduces logits as an `OutputChoice` says; several threads may call it."""

    def __init__(self, choice: OutputChoice, device: torch.device | None) -> None:
        """Bring the choice to the device of the logits, once: no batch waits for it."""
        classes = len(choice.indices)
        self._all = choice.kind == "all"
        self._indices = torch.tensor(choice.indices, dtype=torch.int64, device=device)
        self._answer = classes + torch.arange(choice.outputs, dtype=torch.int32, device=device)
        self._answer[self._indices] = torch.arange(classes, dtype=torch.int32, device=device)

    def of_classes(self, logits: Tensor) -> Tensor:
        """Return the logits (n, outputs) of the classes, (n, C), label 0 first."""
        return logits.index_select(1, self._indices)

    def __call__(self, logits: Tensor, labels: Tensor) -> Reduced:
        """Reduce logits (n, outputs) and labels int64 (n,) of the data's classes.

        Probabilities are softmax over the outputs that count: those of the classes, or all.
        """
        if not self._all:
            return reduce(self.of_classes(logits), labels)
        # In the network's own order: ties go to its lower output, as in a run over all of its classes.
        found = reduce(logits, self._indices[labels])
        answers = self._answer[found.predictions.clamp(min=0).long()]
        return found._replace(predictions=torch.where(found.predictions < 0, INVALID, answers))
