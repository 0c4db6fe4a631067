"""Runs that could say something untrue, and do not."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from ppbench.data.digits import digits
from ppbench.data.image_set import ImageSet
from ppbench.data.sets import open_data
from ppbench.errors import InputError
from ppbench.evaluation.cells import CLEAN, CellId
from ppbench.evaluation.generator import Generator
from ppbench.evaluation.keys import Keys
from ppbench.generation.generate import GenerationConfig, generate
from ppbench.models.input_spec import InputSpec
from ppbench.models.load import load_model
from ppbench.models.loaded_model import LoadedModel
from ppbench.runs.evaluate import evaluate
from ppbench.runs.manifest import CellCounts

SMALL = {"corruptions": "pixelate", "severities": "5", "limit": 30}
CPU = torch.device("cpu")
FOG = ("resnet20", CellId("fog", 3))


def test_a_network_changed_after_loading_is_not_taken_for_its_file() -> None:
    """A network that a caller hands in is evaluated, whatever the store has of the file it once came from."""
    good = evaluate("resnet20", **SMALL).tables[0]
    changed = load_model("resnet20", data="digits-c")
    with torch.no_grad():
        for parameter in changed.module.parameters():
            parameter.zero_()
    assert changed.sha256 is not None
    bad = evaluate(changed, **SMALL, fresh=True).tables[0]
    assert bad.clean is not None
    assert bad.clean.error > 80
    assert evaluate("resnet20", **SMALL).tables[0] == good


def _keys(
    source_seed: int = 0, limit: int = 20, spec: dict[str, object] | None = None, **generator: object
) -> Keys:
    model = load_model("resnet20", data="digits-c", spec=spec or {})
    source = open_data("digits-c", limit=limit, seed=source_seed)
    return Keys([model], {"resnet20"}, source, Generator(**generator), CPU)  # type: ignore[arg-type]  # test options


def test_a_key_depends_on_everything_that_the_answers_do() -> None:
    """Seed, subset, input contract, generator, severity and corruption each make another key."""
    base = _keys()(FOG)
    assert base == _keys()(FOG)
    others = [
        _keys(seed=1)(FOG),
        _keys(source_seed=1)(FOG),
        _keys(limit=21)(FOG),
        _keys(spec={"mean": [0.5, 0.5, 0.5]})(FOG),
        _keys(name="imagecorruptions")(FOG),
        _keys()(("resnet20", CellId("fog", 4))),
        _keys()(("resnet20", CellId("snow", 3))),
        _keys()(("resnet20", CLEAN)),
    ]
    assert None not in others
    assert len({base, *others}) == 9


def test_a_key_depends_on_pixels_weights_and_code(monkeypatch: pytest.MonkeyPatch) -> None:
    """A changed pixel, another file of weights and another version of a corruption each make another key."""
    model, source = load_model("resnet20", data="digits-c"), open_data("digits-c", limit=20)
    assert source.clean is not None

    def key(network: LoadedModel = model, clean: ImageSet = source.clean) -> str | None:
        return Keys([network], {"resnet20"}, replace(source, clean=clean), Generator(), CPU)(FOG)

    images = np.array(source.clean.images[:])
    images[3, 5, 7, 1] ^= 1
    changed = key(clean=replace(source.clean, images=images))
    retrained = key(network=replace(model, sha256="0" * 64))
    before = key()
    monkeypatch.setattr("corruptions.code_version", lambda _name, _codec: "99.99")
    assert len({before, changed, retrained, key()}) == 4


def test_a_network_that_a_caller_hands_in_has_no_key() -> None:
    """Only what a run loaded itself is known by its checkpoint's digest."""
    model = load_model("resnet20", data="digits-c")
    assert Keys([model], set(), open_data("digits-c", limit=20), Generator(), CPU)(FOG) is None


class _Views(nn.Module):
    """A network that flattens with `view`, which maps in channels-last layout do not allow."""

    def __init__(self, classes: int = 10) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 5, stride=4)
        self.head = nn.Linear(8 * 7 * 7, classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        maps = self.conv(x)
        logits: torch.Tensor = self.head(maps.view(maps.size(0), -1))
        return logits


def _own(classes: int = 10, size: int = 32) -> LoadedModel:
    spec = InputSpec(size, (0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
    return LoadedModel("mine", "mine", _Views(classes), spec, classes)


def test_an_ordinary_network_of_ones_own_runs() -> None:
    """`x.view(n, -1)` after a convolution is how most people flatten."""
    run = evaluate(_own(), **SMALL)
    assert run.tables[0].clean is not None


@pytest.mark.parametrize("model, message", [(_own(5), "expected 10 classes"), (_own(10, 224), "32 pixels")])
def test_a_network_that_does_not_fit_the_images_is_refused(model: LoadedModel, message: str) -> None:
    """Other classes or another input size would give numbers that mean nothing, or a crash."""
    with pytest.raises(InputError, match=message):
        evaluate(model, **SMALL)


def test_a_generated_folder_is_never_called_published(tmp_path: Path) -> None:
    """The table says of files in the published layout that ppbench made what made them, and with which seed."""
    clean = digits("test")
    np.savez(tmp_path / "clean.npz", images=clean.images[:40], labels=clean.labels[:40])
    out = tmp_path / "CIFAR-10-C"
    generate(GenerationConfig("cifar10-c", tmp_path / "clean.npz", None, 3, out), ["pixelate"], workers=1)
    weights = Path(str(load_model("resnet20", data="digits-c").checkpoint))
    model = load_model("resnet20", checkpoint=weights, data="cifar10-c")
    run = evaluate(model, data="cifar10-c", root=out, corruptions="pixelate")
    assert (run.context.source, run.context.seed) == ("generated", 3)
    assert run.context.generator is not None
    assert run.context.generator.startswith("ppbench")
    assert any("these images were generated" in note for note in run.context.notes)


def test_a_table_of_other_data_is_said_to_be_one() -> None:
    """ImageNet's AlexNet may be divided by on request, but not in silence."""
    run = evaluate("resnet20", **SMALL, normaliser="imagenet-c-alexnet")
    assert any("measured on imagenet-c, not on digits-c" in note for note in run.context.notes)


def test_images_of_ones_own_have_no_default_table(tmp_path: Path) -> None:
    """An .npz under the name of the embedded set is not the embedded set: its AlexNet table does not belong to it."""
    random = np.random.default_rng(0)
    images, labels = random.integers(0, 256, (20, 32, 32, 3), np.uint8), random.integers(0, 10, 20)
    np.savez(tmp_path / "mine.npz", images=images, labels=labels)
    run = evaluate(
        "resnet20", data="digits-c", root=tmp_path / "mine.npz", corruptions="pixelate", severities="5"
    )
    assert run.scores.normaliser is None
    assert run.manifest.data.root == str(tmp_path / "mine.npz")


@pytest.mark.parametrize(
    "architecture", ["alexnet", "torchvision:alexnet", "torchvision:alexnet@IMAGENET1K_V1"]
)
def test_an_alexnet_is_known_by_its_architecture(architecture: str) -> None:
    """AlexNet of any source normalises the generated run that it is in; a file of that name is none."""
    model = replace(load_model("alexnet", data="digits-c"), architecture=architecture, name="reference")
    run = evaluate([model, load_model("resnet20", data="digits-c")], **SMALL)
    assert run.scores["reference"].mce == 100.0
    other = replace(model, architecture="nets.py:alexnet")
    assert evaluate(other, **SMALL).scores["reference"].mce != 100.0


def test_a_folder_with_somebodys_files_is_not_written_to(tmp_path: Path) -> None:
    """Notes or data of the user's are not overwritten; a run's own folder is."""
    (tmp_path / "thesis.txt").write_text("")
    (tmp_path / "table.md").write_text("mine")
    with pytest.raises(InputError, match=r"thesis\.txt"):
        evaluate("resnet20", **SMALL, out=tmp_path)
    assert (tmp_path / "table.md").read_text() == "mine"


def test_what_a_killed_run_left_does_not_stop_the_next(tmp_path: Path) -> None:
    """Files of a run that was killed while it wrote them are no stranger's."""
    (tmp_path / "predictions.npz").write_bytes(b"whole, but of a run without a run.json")
    (tmp_path / ".errors.csv.999999999.abc.part").write_text("half")
    evaluate("resnet20", **SMALL, out=tmp_path)
    assert not list(tmp_path.glob(".*.part"))


def test_a_run_says_what_came_from_the_store(tmp_path: Path) -> None:
    """A second run takes its cells from the store, run.json counts them, and the errors are the same bytes."""
    first = evaluate("resnet20", **SMALL, seed=7, out=tmp_path / "a")
    second = evaluate("resnet20", **SMALL, seed=7, out=tmp_path / "b")
    assert first.manifest.cells == CellCounts(from_store=0, evaluated=2)
    cells = second.manifest.cells
    assert (cells.from_store, cells.evaluated) == (2, 0)
    assert cells.first_measured is not None
    assert (tmp_path / "a" / "errors.csv").read_bytes() == (tmp_path / "b" / "errors.csv").read_bytes()
    assert len(repr(second)) < 300
