"""Which device networks run on, and which one corrupts for them."""

import subprocess
import sys

import pytest
import torch

from ppbench.device import best_device, choose_device, corruption_device
from ppbench.errors import InputError
from ppbench.training.hardware import Hardware, devices_of


@pytest.mark.parametrize(
    ("cuda", "mps", "best"),
    [(True, False, "cuda"), (True, True, "cuda"), (False, True, "mps"), (False, False, "cpu")],
)
def test_the_best_device(cuda: bool, mps: bool, best: str) -> None:
    """CUDA, then Apple's GPU, then the CPU."""
    assert best_device(cuda=cuda, mps=mps) == torch.device(best)


def test_an_apple_gpu_is_chosen_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """For a run as for a training."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert choose_device(None) == choose_device("auto") == torch.device("mps")
    assert devices_of(Hardware()) == ("mps", 1)


@pytest.mark.parametrize(
    ("networks", "corruptions"), [("cpu", "cpu"), ("cuda", "cuda"), ("cuda:1", "cuda:1"), ("mps", "cpu")]
)
def test_images_are_corrupted_where_there_is_float64(networks: str, corruptions: str) -> None:
    """Apple's GPU has none: there the CPU corrupts."""
    assert corruption_device(torch.device(networks)) == torch.device(corruptions)


@pytest.mark.parametrize("name", ["meta", "gpu", "cuda:99", "cpu:x", ""])
def test_a_device_that_computes_nothing_is_refused(name: str) -> None:
    """One that torch does not know or that is not here, and torch's `meta`, on which answers have no values."""
    with pytest.raises(InputError, match="expected a device that this machine has") as caught:
        choose_device(name)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("command", ["eval --model resnet20", "doctor --model resnet20", "train"])
def test_what_is_no_devices_name_is_refused_before_torch(command: str) -> None:
    """Seconds earlier, and torch's own way of writing it is shown."""
    program = (
        "import sys\n"
        f"sys.argv = ['ppbench', *{command.split()!r}, '--device', 'gpu']\n"
        "from ppbench.cli import main\n"
        "try:\n"
        "    main()\n"
        "finally:\n"
        "    print('torch' in sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stdout == "False\n"
    assert "got 'gpu': a GPU is called cuda" in done.stderr
