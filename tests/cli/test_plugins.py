"""Corruptions of third parties, evaluated like the built-in ones."""

import csv
import io
import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ppbench.data.sets import open_data
from ppbench.generation.contact_sheet import GAP, HEAD_HEIGHT, LABEL_WIDTH, TILE
from ppbench.scoring.errors_table import read_errors_csv
from tests.cli.conftest import CommandLine

PLUGIN = """
from corruptions import Corruption

def invert(images, constants, fields):
    return images.clone().bitwise_xor_(255) if constants["on"] else images.clone()

INVERSION = Corruption("inversion", "plugin", 1, invert, constants=[{"on": 0}] * 4 + [{"on": 1}])
"""


def test_a_corruption_of_a_file_is_scored_but_in_no_mean(
    tmp_path: Path, ppbench: Callable[..., object]
) -> None:
    """Severities 1 to 4 of the plug-in change nothing, so have the clean error; fog alone makes the mean."""
    file = tmp_path / "inversion.py"
    file.write_text(PLUGIN)
    out = tmp_path / "run"
    done = ppbench(
        "eval", "--model", "resnet20", "--corruption-file", file, "--corruptions", "fog,inversion", "--limit", 50,
        "--out", out,
    )  # fmt: skip
    assert done.code == 0, done.err
    (table,) = read_errors_csv(out / "errors.csv")
    assert table.clean is not None
    assert [table.cells["plugin:inversion", severity].errors for severity in range(1, 5)] == [
        table.clean.errors
    ] * 4
    assert "plugin:inversion" in done.out
    fog = sum(table.errors_of("fog").values()) / 5
    assert f"{fog:.2f}" in next(line for line in done.out.splitlines() if line.startswith("partial mCE"))


def test_a_file_without_corruptions_is_refused(tmp_path: Path, ppbench: Callable[..., object]) -> None:
    """The line names the file and what was expected in it."""
    file = tmp_path / "empty.py"
    file.write_text("x = 1")
    done = ppbench("eval", "--model", "resnet20", "--corruption-file", file)
    assert done.code == 2
    assert "empty.py" in done.err
    assert len(done.err.strip().splitlines()) == 1


@pytest.fixture
def inversion(tmp_path: Path) -> Path:
    """A file with a corruption that turns an image into its negative at severity 5, and leaves it alone below."""
    file = tmp_path / "inversion.py"
    file.write_text(PLUGIN)
    return file


@pytest.mark.slow
@pytest.mark.parametrize("grouped", [False, True])
def test_it_is_generated_in_the_published_layouts_and_read_back(
    tmp_path: Path, ppbench: CommandLine, inversion: Path, grouped: bool
) -> None:
    """Arrays, or files below class folders; the pixels are the plug-in's, and `eval` finds them by its name."""
    if grouped:
        root = tmp_path / "clean" / "val"
        (root / "a").mkdir(parents=True)
        Image.fromarray(np.full((224, 224, 3), 200, np.uint8)).save(root / "a" / "x.png")
        of = ("--data", "folder-c", "--root", root, "--grouped")
    else:
        of = ("--data", "digits-c", "--limit", 20)
    out = tmp_path / "set"
    own = ("--corruptions", "contrast,inversion", "--corruption-file", inversion)
    done = ppbench("generate", *of, *own, "--out", out, "--workers", 1)
    assert done.code == 0, done.err
    manifest = json.loads((out / "manifest.json").read_text())
    assert set(manifest["corruptions"]) == {"contrast", "plugin:inversion"}
    if grouped:
        with Image.open(out / "plugin" / "inversion" / "5" / "a" / "x.JPEG") as picture:
            assert abs(np.asarray(picture).astype(int) - 55).max() <= 2
        with Image.open(out / "plugin" / "inversion" / "4" / "a" / "x.JPEG") as picture:
            assert abs(np.asarray(picture).astype(int) - 200).max() <= 2
        return
    assert sorted(path.name for path in out.iterdir()) == [
        "contrast.npy", "inversion.npy", "labels.npy", "manifest.json",
    ]  # fmt: skip
    clean = open_data("digits-c", limit=20).clean
    assert clean is not None
    made = np.load(out / "inversion.npy")
    np.testing.assert_array_equal(made[:20], clean.images[:])
    np.testing.assert_array_equal(made[80:], 255 - clean.images[:])
    done = ppbench(
        "eval",
        "--model",
        "resnet20",
        "--data",
        "digits-c",
        "--source",
        "published",
        "--root",
        out,
        *own,
        "--out",
        tmp_path / "run",
    )
    assert done.code == 0, done.err
    (table,) = read_errors_csv(tmp_path / "run" / "errors.csv")
    assert ("plugin:inversion", 5) in table.cells


def test_a_name_of_the_layout_is_refused_for_generated_files(tmp_path: Path, ppbench: CommandLine) -> None:
    """A corruption called "labels" would be written over the labels."""
    file = tmp_path / "labels.py"
    file.write_text(PLUGIN.replace('"inversion"', '"labels"'))
    done = ppbench(
        "generate", "--corruptions", "labels", "--corruption-file", file, "--limit", 5, "--out", tmp_path / "set"
    )  # fmt: skip
    assert (done.code, done.err.count("\n")) == (2, 1)
    assert "not called like a file of the layout, got plugin:labels" in done.err
    assert not (tmp_path / "set").exists()


def test_a_preview_shows_it(tmp_path: Path, ppbench: CommandLine, inversion: Path) -> None:
    """The last tile is the negative of the first: the clean image."""
    out = tmp_path / "sheet.png"
    done = ppbench("preview", "--corruptions", "inversion", "--corruption-file", inversion, "--out", out)
    assert done.code == 0, done.err
    with Image.open(out) as sheet:
        pixels = np.asarray(sheet)
    tiles = [
        pixels[HEAD_HEIGHT:, LABEL_WIDTH + column * (TILE + GAP) :][8 : TILE - 8, 8 : TILE - 8]
        for column in (0, 1, 5)
    ]
    np.testing.assert_array_equal(tiles[1], tiles[0])
    np.testing.assert_array_equal(tiles[2], 255 - tiles[0])
    assert (pixels[HEAD_HEIGHT:, :LABEL_WIDTH] < 128).any()  # it has a label


def test_it_is_a_group_of_its_own_everywhere(tmp_path: Path, ppbench: CommandLine, inversion: Path) -> None:
    """Tables, the heatmap, scores.json and exports set it apart from the four extra corruptions."""
    out = tmp_path / "run"
    done = ppbench(
        "eval", "--model", "resnet20", "--corruption-file", inversion, "--corruptions", "fog,saturate,inversion",
        "--severities", 5, "--limit", 20, "--heatmap", "--out", out,
    )  # fmt: skip
    assert done.code == 0, done.err
    table, heatmap = done.out.split("The tables are in")[0].split("scale", 1)[0], done.out
    lines = [line.split("  ")[0].strip() for line in table.splitlines()]
    assert lines.index("extra (in no mean)") < lines.index("plug-ins (in no mean)")
    assert re.search(r"^plug-ins *\nplugin:inversion", heatmap, re.MULTILINE)
    (model,) = json.loads((out / "scores.json").read_text())["models"]
    assert [list(model[key]) for key in ("corruptions", "extra", "plugins")] == [
        ["fog"], ["saturate"], ["plugin:inversion"],
    ]  # fmt: skip
    assert model["mean_error"] == model["corruptions"]["fog"]["mean_error"]
    rows = list(csv.DictReader(io.StringIO(ppbench("export", out, "--csv").out)))
    assert {row["corruption"]: row["group"] for row in rows} == {
        "clean": "", "fog": "weather", "saturate": "extra", "plugin:inversion": "plug-in",
    }  # fmt: skip
    for name in ("table.md", "table.tex"):
        assert "plug-ins (in no mean)" in (out / name).read_text().lower()


def test_a_corruption_that_nobody_asked_for_is_said(
    tmp_path: Path, ppbench: CommandLine, inversion: Path
) -> None:
    """A file alone selects nothing: a line says what to write."""
    done = ppbench(
        "eval", "--model", "resnet20", "--corruption-file", inversion, "--corruptions", "fog", "--severities", 1,
        "--limit", 10, "--out", tmp_path / "run",
    )  # fmt: skip
    assert done.code == 0
    assert "inversion is left out: name it, as in --corruptions fog,inversion" in done.err


def test_it_is_listed_with_its_own_constants(ppbench: CommandLine, inversion: Path) -> None:
    """Whatever the protocol, below the 19."""
    done = ppbench("corruptions", "--protocol", "imagenet-c", "--corruption-file", inversion, "--json")
    rows = json.loads(done.out)["corruptions"]
    assert {row["name"]: row for row in rows}["plugin:inversion"] == {
        "name": "plugin:inversion", "group": "plug-in", "constants": [{"on": 0}] * 4 + [{"on": 1}],
    }  # fmt: skip
    assert [row["group"] for row in rows[:19]].count("plug-in") == 0
    assert "plugin:inversion" in ppbench("corruptions", "--corruption-file", inversion).out
