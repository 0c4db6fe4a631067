import time
from pathlib import Path
from typing import Any

import pytest
import torch
import torchvision

from ppbench.errors import InputError
from ppbench.models.load import load_model
from tests.models.foreign_files import write


@pytest.fixture
def timm() -> Any:
    """The timm library."""
    return pytest.importorskip("timm", reason="timm is an extra that is not installed here")


@pytest.mark.parametrize("name", ["mobilenet_v3_small", "shufflenet_v2_x0_5"])
def test_torchvision_with_a_file(name: str, tmp_path: Path) -> None:
    """Any classification network of torchvision takes a file of its weights, with torchvision's own logits."""
    torch.manual_seed(0)
    reference = torchvision.models.get_model(name, weights=None, num_classes=7).eval()
    path = write(tmp_path / "w.pt", {"state_dict": reference.state_dict()}, "zip")
    loaded = load_model(f"torchvision:{name}", checkpoint=path, num_classes=7, image_size=64)
    x = torch.randn(2, 3, 64, 64)
    with torch.inference_mode():
        assert torch.equal(loaded.module(x), reference(x))
    assert loaded.architecture == f"torchvision:{name}"
    with pytest.raises(InputError, match="expected the weights of torchvision:mobilenet_v2, got"):
        load_model("torchvision:mobilenet_v2", checkpoint=path, num_classes=7)


def test_timm_with_a_file(timm: Any, tmp_path: Path) -> None:
    """A network of timm takes a file of its weights, with timm's own logits."""
    torch.manual_seed(0)
    reference = timm.create_model("resnet18d", num_classes=7).eval()
    path = write(tmp_path / "w.safetensors", reference.state_dict(), "safetensors")
    loaded = load_model("timm:resnet18d", checkpoint=path, num_classes=7, image_size=64)
    x = torch.randn(2, 3, 64, 64)
    with torch.inference_mode():
        assert torch.equal(loaded.module(x), reference(x))


@pytest.mark.parametrize("name", ["resnet18", "resnet50"])
def test_timm_names_are_ours(name: str, timm: Any, tmp_path: Path) -> None:
    """Timm's plain ResNets are torchvision's: their files load under our own names, and need no name at all."""
    torch.manual_seed(0)
    reference = timm.create_model(name, num_classes=5).eval()
    path = write(tmp_path / "w.safetensors", reference.state_dict(), "safetensors")
    x = torch.randn(1, 3, 96, 96)
    for model in (name, None):
        loaded = load_model(model, checkpoint=path, image_size=96)
        with torch.inference_mode():
            torch.testing.assert_close(loaded.module(x), reference(x), rtol=0, atol=1e-6)


def test_unknown_timm_model(timm: Any, tmp_path: Path) -> None:
    """An unknown name gets the near miss, and a hub model no file."""
    with pytest.raises(InputError, match="unknown timm model 'resnet5O': did you mean 'resnet50'"):
        load_model("timm:resnet5O")
    with pytest.raises(InputError, match="has weights of its own"):
        load_model("hf-hub:timm/resnet18.a1_in1k", checkpoint=tmp_path / "w.pt")


def test_without_timm(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without timm, one line says how to install it."""
    import sys

    monkeypatch.setitem(sys.modules, "timm", None)
    with pytest.raises(InputError, match=r"timm:resnet50: needs the package timm: pip install timm"):
        load_model("timm:resnet50")


def test_a_hub_that_does_not_answer_is_left_at_once(
    timm: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Without a connection the answer comes in seconds: the hub's library alone would try for a minute."""
    from huggingface_hub import constants

    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(constants, "ENDPOINT", "https://127.0.0.1:1")  # nobody listens there
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    started = time.monotonic()
    with pytest.raises(
        InputError, match=r"timm:resnet18: cannot download the weights \(no connection\): connect"
    ):
        load_model("timm:resnet18")
    assert time.monotonic() - started < 20
    assert not constants.HF_HUB_OFFLINE
