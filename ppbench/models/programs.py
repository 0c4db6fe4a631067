"""Programs instead of weights: TorchScript and `torch.export`. They run code of their own, so they ask for trust."""

import warnings
from pathlib import Path

import torch
from torch import Tensor, nn

from ppbench.errors import InputError
from ppbench.models.reading import Format

KINDS: dict[Format, str] = {"torchscript": "a TorchScript program", "export": "a torch.export program"}


class Program(nn.Module):
    """A program as a module: (N, 3, H, W) in, logits out. It is in evaluation mode already, or never will be."""

    def __init__(self, path: Path, kind: Format) -> None:
        super().__init__()
        self.path = path
        # TorchScript is a module that can move; an exported program stays on the device that it was exported on.
        if kind == "torchscript":
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", FutureWarning)  # deprecated, but files of it are around
                self.program = torch.jit.load(path, map_location="cpu").eval()  # type: ignore[no-untyped-call]  # torch's own
        else:
            self.program = torch.export.load(path).module()

    def forward(self, x: Tensor) -> Tensor:
        """Return the logits."""
        logits: Tensor = self.program(x)
        return logits

    def train(self, mode: bool = True) -> "Program":  # noqa: ARG002  nn.Module's signature
        """Do nothing: an exported program refuses to change its mode."""
        return self


def load_program(path: Path, kind: Format, *, trust: bool, image_size: int) -> nn.Module:
    """Return a program as a module.

    Args:
        path: the file.
        kind: its format, one of `KINDS`.
        trust: the user trusts the file: it runs code of its own.
        image_size: side of the images that will come; two of them are tried.

    Raises:
        InputError: it is not trusted, is damaged, or takes neither these images nor batches of more than one.
    """
    if not trust:
        raise InputError(
            f"{path}: this is {KINDS[kind]}, which runs code of its own: pass --trust-checkpoint if you trust where it "
            "comes from, or save the module's state_dict()"
        )
    try:
        program = Program(path, kind)
    except Exception as error:
        raise InputError(
            f"{path}: damaged file, meant to be {KINDS[kind]} ({_words(error)}): save it again"
        ) from error
    for count in (1, 2, 3):
        try:
            with torch.inference_mode():
                program(torch.zeros(count, 3, image_size, image_size))
        except Exception as error:
            advice = ": save it with a dynamic batch dimension" if count > 1 else ""
            raise InputError(
                f"{path}: cannot take {count} image{'s' * (count > 1)} of {image_size} pixels ({_words(error)}){advice}"
            ) from error
    return program


def _words(error: Exception) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
