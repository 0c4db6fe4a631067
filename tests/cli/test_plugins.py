"""Corruptions of third parties, evaluated like the built-in ones."""

from collections.abc import Callable
from pathlib import Path

from ppbench.scoring.errors_table import read_errors_csv

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
