"""Small networks for tests of the set-up check."""

import torch
from torch import Tensor, nn

from ppbench.models.input_spec import InputSpec
from ppbench.models.loaded_model import LoadedModel

SPEC = InputSpec(32, (0.5,) * 3, (0.2,) * 3)


class Small(nn.Module):
    """A convolution, a layer between, and logits of ten classes."""

    def __init__(self, between: nn.Module | None = None) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.conv = nn.Conv2d(3, 8, 5, stride=3)
        self.between = between or nn.Identity()
        self.fc = nn.Linear(8, 10)

    def forward(self, x: Tensor) -> Tensor:
        """Return the logits."""
        logits: Tensor = self.fc(self.between(self.conv(x)).relu().mean((2, 3)))
        return logits


class Stubborn(Small):
    """Stays in training mode."""

    def train(self, mode: bool = True) -> "Stubborn":  # noqa: ARG002  nn.Module's signature
        """Set all layers to training mode, whatever is asked for."""
        super().train(True)
        return self


def loaded(module: nn.Module, name: str = "m") -> LoadedModel:
    """The network as a caller hands it in."""
    return LoadedModel(name, name, module, SPEC, 10, spec_source="test")
