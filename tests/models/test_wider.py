"""Files of networks with more outputs than the data have classes: built as wide as the file is, or refused."""

from pathlib import Path

import pytest
import torch
from torch import nn
from torchvision import models

from ppbench.errors import InputError
from ppbench.models.checkpoint import save_checkpoint
from ppbench.models.input_spec import CIFAR_MEAN, CIFAR_STD, InputSpec
from ppbench.models.load import load_model
from ppbench.models.loaded_model import LoadedModel
from ppbench.models.registry import architecture
from tests.models.zoo_files import saved

FACTORY = """
from torch import nn

def make(num_classes):
    return nn.Sequential(nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(12, num_classes))
"""


def _same(found: LoadedModel, network: nn.Module) -> bool:
    wanted = network.state_dict()
    return all(torch.equal(wanted[name], value) for name, value in found.module.state_dict().items())


@pytest.mark.parametrize("name", ["resnet18", "squeezenet1_1"])
def test_a_file_for_torchvision(name: str, tmp_path: Path) -> None:
    """Known by its weights or not, with a linear head or a convolution: all of the file's outputs are there."""
    torch.manual_seed(0)
    network = models.get_model(name, weights=None, num_classes=120)
    path = saved(tmp_path / "weights.safetensors", network)
    found = load_model(f"torchvision:{name}", checkpoint=path, num_classes=7, wider=True, image_size=64)
    assert found.num_classes == 120
    assert _same(found, network)
    exact = load_model(f"torchvision:{name}", checkpoint=path, num_classes=120, wider=True, image_size=64)
    assert exact.num_classes == 120
    for wrong in ({"num_classes": 7}, {"num_classes": 121, "wider": True}):
        with pytest.raises(InputError, match=r"weights\.safetensors: expected"):
            load_model(f"torchvision:{name}", checkpoint=path, image_size=64, **wrong)


def test_a_file_for_timm(tmp_path: Path) -> None:
    """A head that is not last among the names of a safetensors file is found by what differs."""
    timm = pytest.importorskip("timm", reason="timm is an extra that is not installed here")
    torch.manual_seed(0)
    network = timm.create_model("lcnet_035", num_classes=90)
    path = saved(tmp_path / "weights.safetensors", network)
    found = load_model("timm:lcnet_035", checkpoint=path, num_classes=7, wider=True)
    assert (found.num_classes, found.class_list) == (90, None)
    assert _same(found, network)


def test_timm_names_the_outputs_of_its_larger_imagenets() -> None:
    """WordNet ids of as many outputs as timm's own weights have; of files of another width nothing is said."""
    pytest.importorskip("timm", reason="timm is an extra that is not installed here")
    from ppbench.models.timm_models import class_list
    from ppbench.models.zoo_contract import ZooContract

    spec = InputSpec(size=224, mean=CIFAR_MEAN, std=CIFAR_STD)
    contract = ZooContract(spec, "the test", 21843)
    found = class_list("timm:vit_tiny_patch16_224.augreg_in21k", 21843, contract)
    assert found is not None
    assert len(found.names) == 21843
    assert "n01440764" in found.names
    assert "imagenet-21k" in found.by
    assert class_list("timm:vit_tiny_patch16_224.augreg_in21k", 21842, contract) is None
    assert class_list("hf-hub:somebody/net", 21843, contract) is None
    assert class_list("timm:resnet18", 1000, ZooContract(spec, "the test", 1000)) is None


def test_a_file_for_a_network_of_ours_and_for_ones_own(tmp_path: Path) -> None:
    """A recognised file, and a factory that is called again with the number that its file has."""
    torch.manual_seed(0)
    ours = architecture("resnet20").build(30, 32)
    path = tmp_path / "ours.safetensors"
    save_checkpoint(path, ours, {"architecture": "resnet20", "num_classes": 30})
    assert load_model(checkpoint=path, num_classes=10, wider=True, image_size=32).num_classes == 30
    factory = tmp_path / "mine.py"
    factory.write_text(FACTORY)
    network = nn.Sequential(nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(12, 30))
    weights = saved(tmp_path / "mine.safetensors", network)
    found = load_model(f"{factory}:make", checkpoint=weights, num_classes=10, wider=True, image_size=32)
    assert found.num_classes == 30
    assert _same(found, network)
    assert load_model(f"{factory}:make", num_classes=10, wider=True, image_size=32).num_classes == 10
