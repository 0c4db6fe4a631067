import zipfile
from pathlib import Path

import pytest
import torch
from torch import nn

from ppbench.errors import InputError
from ppbench.models.load import load_model
from tests.models.foreign_files import images_of, network_of

SLOW = pytest.mark.slow

# TorchScript is deprecated, but files of it are around.
pytestmark = pytest.mark.filterwarnings("ignore:.torch.jit:FutureWarning")


def saved(path: Path, kind: str, network: nn.Module, *, batch: int | None = None) -> Path:
    """A network saved as a program, for any batch or for one size of batch only."""
    x = images_of()[:batch]
    if kind == "torchscript":
        torch.jit.save(torch.jit.trace(network, x), path)
    else:
        sizes = None if batch else ({0: torch.export.Dim("batch", min=1, max=4096)},)
        torch.export.save(torch.export.export(network, (x,), dynamic_shapes=sizes), path)
    return path


@pytest.mark.parametrize("kind", ["torchscript", pytest.param("export", marks=SLOW)])
def test_a_program_answers(kind: str, tmp_path: Path) -> None:
    """A program that is trusted gives the logits of the network that it was made from, for any batch."""
    network = network_of("alexnet-pp")
    path = saved(tmp_path / "program.pt", kind, network)
    loaded = load_model(checkpoint=path, num_classes=10, image_size=32, trust=True)
    torch.testing.assert_close(loaded.module(images_of()), network(images_of()), rtol=1e-5, atol=1e-6)
    assert loaded.logits(torch.zeros(5, 3, 32, 32, dtype=torch.uint8)).shape == (5, 10)
    assert (loaded.name, loaded.checkpoint, loaded.num_classes) == ("program.pt", path, 10)


@pytest.mark.parametrize("kind", ["torchscript", pytest.param("export", marks=SLOW)])
def test_a_program_asks_for_trust(kind: str, tmp_path: Path) -> None:
    """A program runs code of its own: without the flag it is refused, and the line names the flag."""
    path = saved(tmp_path / "program.pt", kind, network_of("alexnet"))
    with pytest.raises(InputError, match="runs code of its own: pass --trust-checkpoint"):
        load_model(checkpoint=path)
    with pytest.raises(InputError, match="expected weights, got a"):
        load_model("alexnet", checkpoint=path)


@SLOW
def test_a_fixed_batch(tmp_path: Path) -> None:
    """A program exported for one batch size is refused before the run, with what to do."""
    path = saved(tmp_path / "program.pt2", "export", network_of("alexnet"), batch=1)
    with pytest.raises(
        InputError, match=r"cannot take 2 images of 32 pixels .*: save it with a dynamic batch"
    ):
        load_model(checkpoint=path, image_size=32, trust=True)


def test_another_size_and_class_count(tmp_path: Path) -> None:
    """A program is tried on images of the size to come, and its classes are counted, before the run."""
    network = nn.Sequential(nn.Flatten(), nn.Linear(3 * 32 * 32, 10))
    path = saved(tmp_path / "program.pt", "torchscript", network)
    with pytest.raises(InputError, match=r"cannot take 1 image of 64 pixels"):
        load_model(checkpoint=path, image_size=64, trust=True)
    with pytest.raises(InputError, match=r"program.pt: expected 100 classes, got a network with 10"):
        load_model(checkpoint=path, image_size=32, num_classes=100, trust=True)


def test_a_damaged_program(tmp_path: Path) -> None:
    """A damaged program is one line."""
    path = tmp_path / "program.pt"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("program/constants.pkl", b"no constants")
    with pytest.raises(InputError, match="damaged file, meant to be") as caught:
        load_model(checkpoint=path, trust=True)
    assert "\n" not in str(caught.value)
