"""`--jpeg-codec`: whose JPEG generated images have."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import corruptions
from ppbench.generation.contact_sheet import GAP, HEAD_HEIGHT, LABEL_WIDTH, TILE
from tests.cli.conftest import CommandLine

FEW = ("--corruptions", "jpeg_compression", "--severities", "5", "--limit", "20", "--json")


def test_eval_takes_it(ppbench: CommandLine, tmp_path: Path) -> None:
    """The run says whose JPEG it had, unasked the authors'."""
    for given, codec in (((), "ijg9"), (("--jpeg-codec", "turbo"), "turbo")):
        out = tmp_path / codec
        done = ppbench("eval", "--model", "resnet20", *FEW, "--no-report", "--out", out, *given)
        assert done.code == 0, done.err
        assert json.loads((out / "run.json").read_text())["data"]["jpeg_codec"] == codec


@pytest.mark.parametrize(
    "command",
    [("eval", "--model", "resnet20"), ("generate", "--out", "OUT"), ("preview", "--out", "OUT.png")],
)
def test_no_such_codec(ppbench: CommandLine, tmp_path: Path, command: tuple[str, ...]) -> None:
    """One line, exit code 2, nothing written."""
    done = ppbench(*(word.replace("OUT", str(tmp_path / "new")) for word in command), "--jpeg-codec", "ijg")
    assert (done.code, done.out) == (2, "")
    assert "JPEG codec 'ijg'" in done.err
    assert done.err.count("\n") == 1
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("codec", ["ijg9", "turbo"])
def test_preview_shows_what_is_evaluated(ppbench: CommandLine, tmp_path: Path, codec: str) -> None:
    """Of a protocol that is stored as JPEG the tiles have been through it, by the codec that was named."""
    pixels = np.random.default_rng(0).integers(0, 256, (TILE, TILE, 3), np.uint8)
    Image.fromarray(pixels).save(tmp_path / "mine.png")
    out = tmp_path / "sheet.png"
    few = ("--corruptions", "jpeg_compression", "--severities", "5", "--jpeg-codec", codec, "--out", out)
    assert ppbench("preview", tmp_path / "mine.png", *few).code == 0
    # In the protocol of ImageNet: jpeg_compression at quality 7, then the file at quality 85.
    lossy = corruptions.jpeg_round_trip(pixels[None], 7, codec="ijg9" if codec == "ijg9" else "turbo")
    stored = corruptions.jpeg_round_trip(lossy, 85, codec="published" if codec == "ijg9" else "turbo")
    left = LABEL_WIDTH + TILE + GAP
    sheet = np.array(Image.open(out))
    assert np.array_equal(sheet[HEAD_HEIGHT : HEAD_HEIGHT + TILE, left : left + TILE], stored[0])
