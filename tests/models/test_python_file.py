import subprocess
import sys
from pathlib import Path

import pytest
import torch

from ppbench.errors import InputError
from ppbench.models.load import load_model
from tests.models.foreign_files import write

SOURCE = """
import torch
from torch import nn
from ppbench.models.input_spec import InputSpec

class Tiny(nn.Module):
    def __init__(self, classes):
        super().__init__()
        self.linear = nn.Linear(3, classes)

    def forward(self, x):
        return self.linear(x.mean((2, 3)))

def plain():
    return Tiny(10)

def sized(num_classes, image_size):
    assert image_size == 32
    return Tiny(num_classes)

def with_spec():
    return Tiny(10), InputSpec(32, (0.5, 0.5, 0.5), (1, 1, 1), normalised_inside=True)

def number():
    return 3

def pair():
    return Tiny(10), "spec"

def fails():
    raise RuntimeError("no\\nway")

def wrong_output():
    return nn.Conv2d(3, 10, 3)

def wrong_input():
    return nn.Conv2d(1, 10, 3)

constant = 3
network = Tiny(10)
"""


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A user's file of models."""
    (tmp_path / "mine.py").write_text(SOURCE)
    return tmp_path / "mine.py"


def test_a_module(source: Path) -> None:
    """A factory's module answers; its contract is the default for the image size, and says so."""
    loaded = load_model(f"{source}:plain", num_classes=10, image_size=32)
    assert loaded.logits(torch.zeros(2, 3, 32, 32, dtype=torch.uint8)).shape == (2, 10)
    assert loaded.spec_source == "the default for images of 32 pixels"
    assert loaded.architecture == "mine.py:plain"


def test_arguments(source: Path) -> None:
    """A factory that asks for the class count and the image size gets them."""
    assert load_model(f"{source}:sized", num_classes=7, image_size=32).num_classes == 7


def test_a_module_with_its_contract(source: Path) -> None:
    """A factory may give the input contract too; a flag still comes first."""
    loaded = load_model(f"{source}:with_spec", image_size=32)
    assert loaded.spec.normalised_inside
    assert loaded.spec_source == "factory mine.py:with_spec"
    assert (
        load_model(f"{source}:with_spec", image_size=32, spec={"normalised_inside": False}).spec.mean
        == (0.5,) * 3
    )


@pytest.mark.parametrize("prefix", ["", "module.", "model."])
def test_weights_from_a_file(prefix: str, source: Path, tmp_path: Path) -> None:
    """A checkpoint fills a factory's network under the network's own names, which are not renamed."""
    state = {"linear.weight": torch.randn(10, 3), "linear.bias": torch.randn(10)}
    path = write(tmp_path / "w.pt", {"state_dict": {prefix + k: v for k, v in state.items()}}, "zip")
    loaded = load_model(f"{source}:plain", checkpoint=path, image_size=32)
    assert torch.equal(loaded.module.state_dict()["linear.bias"], state["linear.bias"])
    assert loaded.sha256 is not None
    with pytest.raises(
        InputError, match=r"mine.py:sized.*of another shape \(linear.weight is \(10, 3\) instead of"
    ):
        load_model(f"{source}:sized", checkpoint=path, image_size=32, num_classes=7)


@pytest.mark.parametrize(
    "function, words",
    [
        ("plane", "unknown factory in .*mine.py 'plane': did you mean 'plain'"),
        ("constant", "unknown factory"),
        ("network", "mine.py:network: expected a function that returns the network, got the network itself"),
        ("number", "mine.py:number: expected a module or .module, InputSpec., got int"),
        ("pair", "got .Tiny, str."),
        ("fails", r"mine.py:fails: failed: RuntimeError: no way \(line 31\)"),
        (
            "wrong_output",
            r"expected one tensor of logits \(1, classes\) for one image, got \(1, 10, 30, 30\)",
        ),
        ("wrong_input", r"cannot take images of 32 pixels .RuntimeError: "),
    ],
)
def test_mistakes(function: str, words: str, source: Path) -> None:
    """A mistake in a user's file is one line that names the file, the function and what is wrong."""
    with pytest.raises(InputError, match=words) as caught:
        load_model(f"{source}:{function}", image_size=32)
    assert "\n" not in str(caught.value)


def test_class_count(source: Path) -> None:
    """A network with another number of classes than the data is refused before the run."""
    with pytest.raises(InputError, match=r"mine.py:plain: expected 100 classes, got a network with 10"):
        load_model(f"{source}:plain", num_classes=100, image_size=32)


@pytest.mark.parametrize(
    "text, words",
    [
        ("import no_such_module\ndef make(): return 1", "cannot be imported: ModuleNotFoundError: .*line 1"),
        ("x = (", "cannot be imported: SyntaxError"),
    ],
)
def test_files_that_cannot_be_imported(text: str, words: str, tmp_path: Path) -> None:
    """A file that fails on import says why, and where."""
    (tmp_path / "broken.py").write_text(text)
    with pytest.raises(InputError, match=words):
        load_model(f"{tmp_path / 'broken.py'}:make")


def test_a_whole_network_that_a_script_saved(tmp_path: Path) -> None:
    """`torch.save(model)` of a script names `__main__`: FILE.py stands for it, on trust, and is asked for."""
    file, saved = tmp_path / "script.py", tmp_path / "whole.pt"
    file.write_text(
        "import sys\nimport torch\nfrom torch import nn\n\n\nclass Net(nn.Linear):\n"
        "    def forward(self, x):\n        return super().forward(x.mean((2, 3)))\n\n\n"
        "def net():\n    return Net(3, 10)\n\n\n"
        "if __name__ == '__main__':\n    torch.save(net(), sys.argv[1])\n"
    )
    subprocess.run([sys.executable, str(file), str(saved)], check=True)
    model = load_model(f"{file}:net", checkpoint=saved, trust=True, num_classes=10, image_size=32)
    assert model.report is not None
    assert model.report.tensors == 2
    assert not hasattr(sys.modules["__main__"], "Net")
    with pytest.raises(
        InputError, match=r"name the file that defines its classes, as in --model FILE.py:FUNCTION"
    ):
        load_model(None, checkpoint=saved, trust=True)
