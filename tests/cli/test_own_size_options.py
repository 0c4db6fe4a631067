"""`--size own` and `--protocol`: what they do not go with is refused before any work."""

from pathlib import Path

import pytest
from PIL import Image

from tests.cli.conftest import CommandLine


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            ["--data", "cifar10-c", "--size", "own"],
            "--size own is for --data folder-c: the images of cifar10-c have",
        ),
        (
            ["--data", "folder-c", "--size", "96"],
            "expected --size own, or no --size for the size of the protocol, got '96'",
        ),
        (["--data", "folder-c", "--protocol", "cifar-c"], "--protocol cifar-c is for --size own"),
        (
            ["--data", "folder-c", "--size", "own", "--protocol", "cifar"],
            "unknown protocol 'cifar': did you mean 'cifar-c'?",
        ),
    ],
)
def test_bad_options_are_one_line(
    options: list[str], message: str, tmp_path: Path, ppbench: CommandLine
) -> None:
    """What the options do not go with is said before any work, by `eval` and `generate` alike."""
    root = tmp_path / "photos"
    (root / "cat").mkdir(parents=True)
    Image.new("RGB", (28, 28)).save(root / "cat" / "a.png")
    for command in (["eval", "--model", "resnet20"], ["generate", "--out", tmp_path / "out"]):
        done = ppbench(*command, *options, "--root", root)
        assert (done.code, done.err.count("\n")) == (2, 1), done.err
        assert message in done.err
