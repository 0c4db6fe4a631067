"""Names of torchvision's and timm's networks, refused without importing either, and never one that there is."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import torchvision
from torchvision import models

from ppbench.errors import InputError
from ppbench.models import zoo_names

TORCHVISION = Path(torchvision.__file__).parent / "models"


def _quoted(folder: Path) -> set[str]:
    text = "\n".join(zoo_names._texts(folder))
    return {*re.findall(r"""["'](\w+)["'.]""", text), *re.findall(r"^def (\w+)\(", text, re.MULTILINE)}


def test_no_network_of_torchvision_is_refused() -> None:
    """What is read from its files is what it lists, and each of the weights of each network is known."""
    real = models.list_models(module=models)
    assert zoo_names.networks(TORCHVISION, "no_such_network") == real
    for name in real:
        assert zoo_names.networks(TORCHVISION, name) is None
        assert zoo_names._weights_of(TORCHVISION, name) == list(models.get_model_weights(name).__members__)


def test_no_network_of_timm_is_refused() -> None:
    """Nor one that has been renamed, nor a tag of any."""
    timm = pytest.importorskip("timm")
    from timm.models._registry import _model_entrypoints

    folder = Path(timm.__file__).parent / "models"
    assert zoo_names.networks(folder, "no_such_network") == sorted(timm.list_models())
    assert set(_model_entrypoints) <= _quoted(folder)
    ends = set(re.findall(r"""["'.](\w+)["']""", "\n".join(zoo_names._texts(folder))))
    assert {name.partition(".")[2] for name in timm.list_pretrained()} - {""} <= ends
    zoo_names._refuse_timm(folder, "resnet50.a1_in1k")
    zoo_names._refuse_timm(folder, "vit_base_patch16_clip_quickgelu_224.openai")


@pytest.mark.parametrize(
    "text",
    [
        "def odd(): ...",
        "NAMES = ['odd']",
        'CFGS = {"odd.tag": 1}',
        "for make in MADE:\n    register_model(make)",
    ],
)
def test_what_may_be_there_is_left_to_the_import(text: str, tmp_path: Path) -> None:
    """A function or a text of that name, or networks that are registered by a call: no refusal."""
    listed = "".join(
        f"@register_model()\n@other(a=(1, 2))\ndef net{k}(\n    x):\n    pass\n\n" for k in range(60)
    )
    (tmp_path / "a.py").write_text(listed)
    (tmp_path / "b.py").write_text("import torch\n")
    assert zoo_names.networks(tmp_path, "odd") == sorted(f"net{k}" for k in range(60))
    (tmp_path / "b.py").write_text(text)
    assert zoo_names.networks(tmp_path, "odd") is None


def test_files_that_are_written_in_another_way_refuse_nothing(tmp_path: Path) -> None:
    """A later version may register its networks differently: few found means not understood."""
    (tmp_path / "a.py").write_text("@register_model()\ndef net(): ...\n")
    assert zoo_names.networks(tmp_path, "odd") is None
    assert zoo_names.networks(tmp_path / "nowhere", "odd") is None


REFUSED = [
    ("torchvision:resnet51", "unknown torchvision model 'resnet51': did you mean 'resnet"),
    ("torchvision:zzzz", "unknown torchvision model 'zzzz': `torchvision.models.list_models()` lists all"),
    (
        "torchvision:resnet50@IMAGENET",
        "unknown weights of torchvision:resnet50 'IMAGENET': did you mean 'IMAGENET1K",
    ),
    ("timm:resnet5", "unknown timm model 'resnet5': did you mean 'resnet"),
    (
        "timm:resnet50.a1_in2k3",
        "unknown weights of timm:resnet50 'resnet50.a1_in2k3': did you mean 'resnet50.a",
    ),
]


@pytest.mark.parametrize("model, words", REFUSED)
def test_a_refusal_needs_no_torch(model: str, words: str) -> None:
    """The line is there before torch, torchvision and timm."""
    if model.startswith("timm:"):
        pytest.importorskip("timm")
    program = (
        "import sys\n"
        "from ppbench.models.naming import meaning\n"
        "try:\n"
        f"    meaning({model!r}, None, None)\n"
        "except ValueError as error:\n"
        "    print(error)\n"
        "print(sorted({'torch', 'torchvision', 'timm'} & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    line, loaded = done.stdout.splitlines()
    assert line.startswith(words)
    assert loaded == "[]"


def test_networks_that_a_program_registered_are_left_to_the_library() -> None:
    """Where the library has been imported, it may know more than its files."""
    assert "torchvision" in sys.modules
    zoo_names.check("torchvision:registered_by_a_user")
    with pytest.raises(InputError, match="unknown torchvision model"):
        zoo_names._refuse_torchvision(TORCHVISION, "registered_by_a_user")
