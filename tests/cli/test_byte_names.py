r"""File names that are not UTF-8: they work, and text spells the odd byte as ``\xNN``."""

import csv
import io
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ppbench.models.load import load_model
from ppbench.spelling import spelled, spelled_content, utf8_path
from tests.cli.conftest import CommandLine
from tests.data.cifar_folders import clean_cifar
from tests.training.easy import small_recipe

CHECKPOINTS = Path(__file__).parent.parent.parent / "checkpoints"
SMALL = ("--corruptions", "fog", "--severities", "1", "--limit", "40")
ODD, TEXT = "caf\udce9", "caf\\xe9"
"""The name in Latin-1, as Python has it, and as text has it."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with such a name."""
    folder = tmp_path / ODD
    try:
        folder.mkdir()
    except (OSError, UnicodeError):
        pytest.skip("this file system takes UTF-8 only")
    return folder


def _texts(folder: Path) -> dict[str, str]:
    """The text files of a folder, each of which is UTF-8."""
    kinds = {".json", ".csv", ".md", ".tex", ".html", ".xml", ".bib"}
    return {path.name: path.read_text(encoding="utf-8") for path in folder.iterdir() if path.suffix in kinds}


@pytest.mark.slow
def test_a_run_of_such_files_in_such_a_folder(ppbench: CommandLine, folder: Path) -> None:
    """Checkpoint, cache, output: whole, valid JSON, and every other command reads it back."""
    for name in ("a", "b"):
        shutil.copy(CHECKPOINTS / "resnet20-digits.safetensors", folder / f"{name}{ODD}.safetensors")
    run = folder / f"run{ODD}"
    files = [f"--checkpoint={folder / f'{name}{ODD}.safetensors'}" for name in ("a", "b")]
    done = ppbench("eval", *files, *SMALL, "--cache", folder / "cache", "--out", run)
    assert (done.code, "Traceback" in done.err) == (0, False)
    assert f"{TEXT}/run{TEXT}" in done.out
    written = _texts(run)
    manifest = json.loads(written["run.json"])
    names = [f"resnet20 (a{TEXT})", f"resnet20 (b{TEXT})"]
    assert [model["name"] for model in manifest["models"]] == names
    assert manifest["models"][0]["checkpoint"].endswith(f"{TEXT}/a{TEXT}.safetensors")
    assert f"run{TEXT}" in manifest["command"]
    assert [model["model"] for model in json.loads(written["scores.json"])["models"]] == names
    rows = list(csv.DictReader(io.StringIO(written["errors.csv"])))
    assert sorted({row["model"] for row in rows}) == names
    assert f"a{TEXT}" in written["report.html"]

    assert json.loads(ppbench("score", run, "--json").out) == json.loads(written["scores.json"])
    assert json.loads(ppbench("compare", run, "--json").out)
    exported = list(csv.DictReader(io.StringIO(ppbench("export", "--csv", run).out)))
    assert {row["run"] for row in exported} == {spelled(run)}
    assert ppbench("export", "--csv", run, "--out", folder / "x.csv").code == 0
    assert ppbench("export", "--parquet", run, "--out", folder / f"{ODD}.parquet").code == 0
    assert (
        ppbench("report", run, "--out", folder / f"{ODD}.html", "--plots", folder / f"{ODD}-plots").code == 0
    )
    gate = ("gate", run, "--judge", names[0], "--baseline", folder / f"{ODD}.json")
    told = json.loads(ppbench(*gate, "--update", "--json").out)
    assert told["baseline"] == spelled(folder / f"{ODD}.json")
    kept = ("--junit", folder / f"{ODD}.xml", "--summary", folder / f"{ODD}.md")
    assert ppbench(*gate, *kept).code == 0
    assert {f"{ODD}.xml", f"{ODD}.md", f"{ODD}.html", "x.csv"} <= _texts(folder).keys()
    inspected = ppbench("models", "inspect", folder / f"a{ODD}.safetensors", "--json")
    assert json.loads(inspected.out)["known_as"] == "resnet20-digits"


@pytest.mark.slow
def test_images_in_such_a_tree(ppbench: CommandLine, folder: Path) -> None:
    """Class folders and files: evaluated, generated into another such folder, and evaluated from there."""
    pixels = np.random.default_rng(0).integers(0, 256, (224, 224, 3), np.uint8)
    for label in ("bird", ODD):
        (folder / "images" / label).mkdir(parents=True)
        for place in range(2):
            Image.fromarray(pixels + np.uint8(place)).save(folder / "images" / label / f"{place}{ODD}.png")
    made = folder / f"made{ODD}"
    source = ("--data", "folder-c", "--root", folder / "images")
    done = ppbench("generate", *source, "--corruptions", "fog", "--workers", 1, "--out", made)
    assert done.code == 0, done.err
    assert json.loads((made / "manifest.json").read_text(encoding="utf-8"))["images"] == 4
    assert (made / "fog" / "5" / ODD / f"1{ODD}.JPEG").is_file()
    factory = folder / f"net{ODD}.py"
    factory.write_text(
        "from torch import nn\n"
        "def net(): return nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(3, 2))\n",
        encoding="utf-8",
    )
    data = ("--data", "folder-c", "--root", made, "--source", "published", "--corruptions", "fog")
    done = ppbench("eval", "--model", f"{factory}:net", *data, "--no-store", "--out", folder / "run")
    assert done.code == 0, done.err
    manifest = json.loads(_texts(folder / "run")["run.json"])
    assert manifest["data"]["root"] == spelled(made)
    assert manifest["models"][0]["name"] == f"net{TEXT}.py:net" or TEXT in manifest["models"][0]["name"]


def test_a_normaliser_and_what_is_not_there(ppbench: CommandLine, folder: Path) -> None:
    """A file of errors is named in valid JSON; a file that is missing is one line that spells it."""
    run = folder / "run"
    assert ppbench("eval", "--model", "resnet20", *SMALL, "--no-report", "--out", run).code == 0
    errors = shutil.copy(run / "errors.csv", folder / f"{ODD}.csv")
    scores = json.loads(ppbench("score", run, "--normaliser", errors, "--json").out)
    assert TEXT in json.dumps(scores["normaliser"], ensure_ascii=False).replace("\\\\", "\\")
    done = ppbench("eval", "--checkpoint", folder / f"{ODD}.safetensors")
    assert (done.code, done.err.count("\n")) == (2, 1)
    assert f"{TEXT}.safetensors" in done.err


def test_libraries_that_open_utf8_only_get_a_link(folder: Path) -> None:
    """To the file, or to its folder where its own name is plain, so that what lies beside it is found."""
    plain, odd = folder / "graph.onnx", folder / f"{ODD}.onnx"
    for path in (plain, odd, folder / "weights.bin"):
        path.write_bytes(path.name.encode(errors="surrogateescape"))
    with utf8_path(plain) as link:
        assert spelled(link) == str(link)
        assert link.read_bytes() == plain.read_bytes()
        assert (link.parent / "weights.bin").exists()
    assert not link.exists()
    with utf8_path(odd) as link:
        assert spelled(link) == str(link)
        assert link.suffix == ".onnx"
        assert link.read_bytes() == odd.read_bytes()
    assert not link.exists()
    assert odd.exists()
    with utf8_path(CHECKPOINTS) as same:
        assert same == CHECKPOINTS


@pytest.mark.parametrize("inside", [True, False])
def test_a_graph_of_onnx(folder: Path, inside: bool) -> None:
    """Onnxruntime opens it, its weights in it or beside it."""
    pytest.importorskip("onnxruntime")
    pytest.importorskip("onnx")
    import torch

    from tests.models.test_onnx import expected, graph

    path = folder / (f"{ODD}.onnx" if inside else "graph.onnx")
    made = graph(folder.parent / "graph.onnx", external=None if inside else "weights.bin")
    shutil.move(made, path)
    if not inside:
        shutil.move(folder.parent / "weights.bin", folder / "weights.bin")
    images = torch.rand(3, 3, 32, 32)
    model = load_model(checkpoint=path, image_size=32)
    torch.testing.assert_close(model.module(images), expected(images))


@pytest.mark.slow
def test_a_training(ppbench: CommandLine, folder: Path) -> None:
    """From such a folder into such a file, which evaluates; a note says which log is left out."""
    root = clean_cifar(folder, 16)
    out = folder / f"{ODD}.safetensors"
    short = ("--recipe", small_recipe(folder), "--model", "alexnet", "--epochs", 1)
    done = ppbench("train", *short, "--root", root, "--out", out)
    assert (done.code, "Traceback" in done.err) == (0, False), done.err
    assert f"{TEXT}.training: a folder whose name is not UTF-8: TensorBoard cannot write there" in done.err
    assert out.with_suffix(".md").read_text(encoding="utf-8")
    data = ("--data", "cifar10-c", "--root", root, "--source", "generated", *SMALL[:4])
    done = ppbench("eval", "--checkpoint", out, *data, "--no-store", "--no-report", "--out", folder / "run")
    assert done.code == 0, done.err


def test_spelling() -> None:
    """A byte by its number, whatever lies deep in a manifest, and all else as it is."""
    assert spelled(f"a/{ODD}-网.png") == f"a/{TEXT}-网.png"
    assert spelled("\ud800") == "\\ud800"
    assert spelled_content({ODD: [ODD, 1, None, (ODD,)]}) == {TEXT: [TEXT, 1, None, [TEXT]]}
