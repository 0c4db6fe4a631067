"""Runs on class folders: images labelled by the network's own answers have a clean error of exactly 0."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

import ppbench
from ppbench.errors import InputError
from ppbench.models.checkpoint import save_checkpoint
from ppbench.models.input_spec import InputSpec
from ppbench.models.loaded_model import LoadedModel
from ppbench.models.registry import architecture
from ppbench.models.requests import ModelRequest
from ppbench.runs.example_images import example_images
from ppbench.runs.folder import Run
from ppbench.runs.merging import merge

COLOURS = torch.tensor([[(37 * k) % 256, (91 * k + 40) % 256, (200 - 53 * k) % 256] for k in range(11)]) / 255
SMALL: dict[str, Any] = {"data": "folder-c", "corruptions": "brightness", "severities": [1]}


class Nearest(nn.Module):
    """Answers with the colour that is nearest to an image's mean."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.register_buffer("colours", COLOURS[:classes])

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return (N, classes) logits."""
        return -((images.mean((2, 3))[:, None] - self.colours) ** 2).sum(2)


def _network(classes: int) -> LoadedModel:
    spec = InputSpec(size=224, mean=(0.0, 0.0, 0.0), std=(1.0, 1.0, 1.0))
    return LoadedModel("nearest", "nearest", Nearest(classes), spec, classes, spec_source="the test")


def _labelled(root: Path, names: Sequence[str], count: int, *, deeper: bool = False) -> None:
    """Write `count` noisy images a class into the folders that the network's own answers name."""
    rng = np.random.default_rng(0)
    network = Nearest(len(names))
    for k in range(count * len(names)):
        colour = COLOURS[k % len(names)].numpy() * 255
        pixels = (colour + rng.normal(0, 10, (20, 24, 3))).clip(0, 255).astype(np.uint8)
        image = Image.fromarray(pixels)
        seen = np.asarray(image.resize((307, 256), Image.Resampling.BILINEAR).crop((42, 16, 266, 240)))
        answer = int(network(torch.tensor(seen / 255, dtype=torch.float32).permute(2, 0, 1)[None]).argmax())
        folder = root / names[answer] / ("again" if deeper and (k // len(names)) % 2 else "")
        folder.mkdir(parents=True, exist_ok=True)
        image.save(folder / f"{k:03}.png")


def _clean_error(run: Run) -> float:
    error = run.scores.models[0].clean_error
    assert error is not None
    return error


def test_eleven_numbered_classes_are_in_the_order_that_is_said(tmp_path: Path) -> None:
    """0…10: refused; by number 0 %; as text 81.82 %, and the warning spells the labels out."""
    root = tmp_path / "set"
    _labelled(root, [str(k) for k in range(11)], 4)
    warnings: list[str] = []
    with pytest.raises(InputError, match="the order of the class folders is not clear"):
        ppbench.evaluate(_network(11), root=root, **SMALL)
    right = ppbench.evaluate(_network(11), root=root, classes="numbers", on_warning=warnings.append, **SMALL)
    assert (_clean_error(right), warnings) == (0.0, [])
    wrong = ppbench.evaluate(_network(11), root=root, classes="text", on_warning=warnings.append, **SMALL)
    assert _clean_error(wrong) == pytest.approx(100 * 9 / 11)
    warning, order = warnings
    assert "near chance" in warning
    assert "they look sorted as text" in order
    assert "--classes numbers" in order
    assert "(labels by folder order: 0=0, 1=1, 10=2, 2=3, 3=4, " in warning
    assert "--classes)?" in warning
    assert right.manifest.data.classes.folders == tuple(str(k) for k in range(11))
    assert right.manifest.data.classes.order == "numbers"
    assert wrong.manifest.data.digest != right.manifest.data.digest
    # A report opens the images again in the run's own order, and calls the classes by their folders.
    (cell,) = example_images(merge([wrong])).cells
    assert cell.examples
    for example in cell.examples:
        (answer,) = example.answers.values()
        # The network answers with the number of the folder, which as text is another folder's label.
        assert answer[0] == sorted(map(str, range(11)))[int(example.truth)] != example.truth


def test_all_120_images_are_evaluated_though_60_lie_deeper(tmp_path: Path) -> None:
    """None is passed over; what is, is told before the work, below the table and in run.json."""
    root = tmp_path / "set"
    _labelled(root, ["cat", "dog", "owl"], 40, deeper=True)
    assert len(list(root.glob("*/*.png"))) == len(list(root.glob("*/again/*.png"))) == 60
    (root / "cat" / "._000.png").write_bytes(b"Mac OS X")
    (root / "cat" / "notes.txt").write_text("")
    notes: list[str] = []
    run = ppbench.evaluate(_network(3), root=root, out=tmp_path / "run", on_note=notes.append, **SMALL)
    assert run.manifest.data.images == 120
    assert _clean_error(run) == 0.0
    told = f"passed over in {root}: hidden files: 1 (such as cat/._000.png); files with another ending: 1 (such as cat/"
    assert [note for note in notes if note.startswith(told)]
    written = json.loads((tmp_path / "run" / "run.json").read_text())
    assert [note for note in written["context"]["notes"] if note.startswith(told)]
    assert written["data"]["classes"]["folders"] == ["cat", "dog", "owl"]


def test_grey_images_of_16_bits_have_their_own_grey(tmp_path: Path) -> None:
    """Dark and bright ones, which were all read as white: a network of two greys makes no mistake."""
    for name, level in (("0", 6000), ("1", 20000), ("2", 60000)):
        (tmp_path / name).mkdir()
        for k in range(4):
            Image.fromarray(np.full((24, 24), level + k, np.uint16)).save(tmp_path / name / f"{k}.png")
    module = nn.Sequential(nn.AvgPool2d(224), nn.Flatten(), nn.Linear(3, 3))
    levels = torch.tensor([6000.0, 20000.0, 60000.0]) / 65535
    with torch.no_grad():
        linear = module[2]
        assert isinstance(linear, nn.Linear)
        linear.weight.copy_((2 * levels / 3)[:, None].expand(3, 3))
        linear.bias.copy_(-(levels**2))
    spec = InputSpec(size=224, mean=(0.0, 0.0, 0.0), std=(1.0, 1.0, 1.0))
    model = LoadedModel("greys", "greys", module, spec, 3, spec_source="the test")
    assert _clean_error(ppbench.evaluate(model, root=tmp_path, **SMALL)) == 0.0


@pytest.mark.slow
def test_a_trained_file_knows_its_class_folders(tmp_path: Path) -> None:
    """Another order of the same folders, or other folders, are refused; files that say nothing are not."""
    names = ["1", "2", "10"]
    _labelled(tmp_path / "set", names, 2)
    file = tmp_path / "mine.safetensors"
    known = {"architecture": "resnet20", "num_classes": 3, "image_size": 224}
    spec = {"input": InputSpec(size=224, mean=(0.5, 0.5, 0.5), std=(0.25, 0.25, 0.25)).to_dict()}
    network = architecture("resnet20").build(3, 224)
    options = {**SMALL, "root": tmp_path / "set", "store": False}
    for classes, order, refused in (
        (names, "numbers", None),
        (
            names,
            "text",
            "its label 1 is '2', here it is '10': give --classes the order that it was trained in",
        ),
        (["1", "2", "11"], "numbers", "its label 2 is '11', here it is '10'"),
        (None, "text", None),
        ("1, 2, 10", "text", None),
    ):
        save_checkpoint(file, network, {**known, **spec, **({"classes": classes} if classes else {})})
        if refused is None:
            ppbench.evaluate(ModelRequest(None, file), classes=order, **options)
            continue
        with pytest.raises(InputError, match=refused):
            ppbench.evaluate(ModelRequest(None, file), classes=order, **options)


@pytest.mark.parametrize("seed", [-1, -(2**40)])
def test_a_seed_below_0_is_refused(seed: int) -> None:
    """From Python as on the command line."""
    with pytest.raises(InputError, match=f"expected a seed of 0 or more, got {seed}"):
        ppbench.evaluate("resnet20", seed=seed)
