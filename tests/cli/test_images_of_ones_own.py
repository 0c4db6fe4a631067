"""Class folders, pictures and seeds as the command line takes them."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

FACTORY = """
import torch

class Greys(torch.nn.Module):
    def forward(self, images):
        level = images.mean((1, 2, 3)) * 255
        return -(level[:, None] - 20 * torch.arange(11, device=images.device)) ** 2

def greys():
    return Greys()
"""


@pytest.fixture
def folders(tmp_path: Path) -> Path:
    """Eleven numbered classes, each as bright as its number says."""
    root = tmp_path / "set"
    for k in range(11):
        (root / str(k)).mkdir(parents=True)
        for number in range(2):
            Image.new("RGB", (30, 30), (20 * k,) * 3).save(root / str(k) / f"{number}.png")
    (tmp_path / "greys.py").write_text(FACTORY)
    return root


def _eval(root: Path, *more: object) -> list[object]:
    out = root.parent / "run"
    network = ["--model", f"{root.parent / 'greys.py'}:greys", "--mean", "0,0,0", "--std", "1,1,1"]
    few = ["--corruptions", "brightness", "--severities", "1", "--no-report", "--no-store"]
    return ["eval", *network, *few, "--data", "folder-c", "--root", root, "--out", out, "--json", *more]


def test_the_order_of_class_folders_is_asked_for(ppbench, folders: Path) -> None:
    """One line and code 2; then each of the three ways gives the error that it means."""
    done = ppbench(*_eval(folders))
    assert (done.code, done.out, done.err.count("\n")) == (2, "", 1)
    assert "label 2 is '10' as text (torchvision's ImageFolder, Keras) and '2' by number (timm)" in done.err
    names = folders.parent / "names.txt"
    names.write_text("".join(f"{k}\n" for k in range(11)))
    for classes, error in (("numbers", 0.0), (names, 0.0), ("text", 100 * 9 / 11)):
        done = ppbench(*_eval(folders, "--classes", classes, "--overwrite"))
        assert done.code == 0, done.err
        assert json.loads(done.out)["models"][0]["clean_error"] == pytest.approx(error)
    assert "labels by folder order: 0=0, 1=1, 10=2" in done.err  # of the last one, whose error is high


def test_what_was_passed_over_is_said_before_the_work(ppbench, folders: Path) -> None:
    """On stderr, with an example."""
    (folders / "3" / "extra.gif").write_bytes(b"GIF89a")
    (folders / "lost.png").write_bytes((folders / "3" / "0.png").read_bytes())
    done = ppbench(*_eval(folders, "--classes", "numbers"))
    assert done.code == 0, done.err
    told = " ".join(done.err.split())
    assert (
        "files with another ending: 1 (such as 3/extra.gif); images in no class folder: 1 (such as lost.png)"
        in told
    )


@pytest.mark.parametrize("command", ["eval", "gate", "generate", "preview", "train"])
def test_a_seed_below_0_is_refused(command: str, ppbench, tmp_path: Path) -> None:
    """By every command that takes one, before any work."""
    needed = {
        "generate": ["--out", tmp_path / "out"],
        "gate": ["--model", "resnet20"],
        "eval": ["--model", "resnet20"],
    }
    done = ppbench(command, *needed.get(command, []), "--seed", "-1")
    assert done.code == 2
    assert done.out == ""
    assert "--seed" in done.err
    assert "greater than or equal to 0" in " ".join(done.err.split())
    assert not list(tmp_path.iterdir())


def test_a_picture_of_16_bits_has_its_own_grey(ppbench, tmp_path: Path) -> None:
    """The clean tile of the contact sheet is 78, not 255; floats are refused."""
    Image.fromarray(np.full((224, 224), 20000, np.uint16)).save(tmp_path / "grey.png")
    out = tmp_path / "sheet.png"
    done = ppbench(
        "preview", tmp_path / "grey.png", "--corruptions", "brightness", "--severities", "1", "--out", out
    )
    assert done.code == 0, done.err
    with Image.open(out) as sheet:
        assert [78, 78, 78] in np.asarray(sheet).reshape(-1, 3).tolist()
    Image.fromarray(np.full((224, 224), 0.5, np.float32)).save(tmp_path / "float.tif")
    done = ppbench("preview", tmp_path / "float.tif", "--out", out)
    assert (done.code, done.err.count("\n")) == (2, 1)
    assert "float.tif: expected pixels of 8 or 16 bits, got floats from 0.5 to 0.5" in done.err


def test_a_preview_needs_no_labels(ppbench, folders: Path, tmp_path: Path) -> None:
    """Numbered classes are shown without asking for their order."""
    out = tmp_path / "sheet.png"
    done = ppbench(
        *("preview", "--data", "folder-c", "--root", folders, "--out", out),
        *("--corruptions", "brightness", "--severities", "1"),
    )
    assert done.code == 0, done.err
    assert out.is_file()
