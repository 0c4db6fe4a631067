"""A right set-up, broken in every way: what is said of each is what the table in docs/setup.md says."""

import re
from pathlib import Path
from typing import NamedTuple

import pytest

from ppbench.models.requests import ModelRequest
from ppbench.runs.evaluate import evaluate
from tests.setup.broken_setups import BREAKS, NETWORKS, check, said, unknown_copy

ROOT = Path(__file__).parents[2]
RIGHT = "nothing (the right set-up)"


class Row(NamedTuple):
    """A row of the table; the columns are the findings that are not ok."""

    error: float
    published: str
    unknown: str


def _table() -> dict[str, Row]:
    text = (ROOT / "docs" / "setup.md").read_text()
    rows = text.partition("| what is broken |")[2].partition("\n\n")[0].splitlines()[2:]
    cells = [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]
    return {name: Row(float(error), published, unknown) for name, error, published, unknown in cells}


TABLE = _table()


def test_the_table_has_every_break() -> None:
    """And nothing else."""
    assert list(TABLE) == list(BREAKS)


@pytest.mark.parametrize("name", BREAKS)
def test_nothing_that_moves_the_error_passes_in_silence(name: str) -> None:
    """More than 5 points without a word need a reason in the table; a sound set-up is not spoken of."""
    row = TABLE[name]
    for cell in (row.published, row.unknown):
        said_nothing, _, reason = cell.partition(": ")
        if said_nothing == "nothing" and row.error - TABLE[RIGHT].error > 5:
            assert reason


def test_the_right_set_up_passes_in_silence() -> None:
    """It is the first row."""
    assert TABLE[RIGHT] == Row(7.4, "nothing", "nothing")


@pytest.mark.slow
@pytest.mark.parametrize("name", BREAKS)
def test_what_is_said(name: str, test_data: Path, tmp_path: Path) -> None:
    """The clean error and the findings, with the published file and with the same weights in a file of one's own."""
    published = test_data / "pushpull-2020" / "resnet-20" / "checkpoint.pth.tar"
    images, row = test_data / "cifar10" / "test-first1000.npz", TABLE[name]
    for weights, expected in ((published, row.published), (unknown_copy(published, tmp_path), row.unknown)):
        found = check(BREAKS[name], weights, images, tmp_path)
        assert said(found) == expected.partition(":")[0]
        told = next(each.text for each in found.findings if each.check == "clean error")
        match = re.match(r"clean error ([\d.]+) %", told)
        assert match is not None
        # Where chance decides, it decides otherwise with another torch.
        assert float(match[1]) == pytest.approx(row.error, abs=2.5 if "dropout" in name else 0.5)


@pytest.mark.slow
def test_a_softmax_inside_leaves_calibration_as_it_is(test_data: Path) -> None:
    """NLL 0.347 and ECE 5.1 %; probabilities taken for logits would give about 1.5 and 70 %."""
    weights = test_data / "pushpull-2020" / "resnet-20" / "checkpoint.pth.tar"
    root = test_data / "cifar10" / "test-first1000.npz"
    found = []
    for factory in ("right", "softmax_inside", "log_softmax_inside"):
        run = evaluate(
            ModelRequest(f"{NETWORKS}:{factory}", weights),
            data="cifar10-c",
            root=root,
            corruptions="pixelate",
            severities="1",
            store=False,
        )
        found.append(run.metrics[0].clean)
    assert found[0]["nll"] == pytest.approx(0.347, abs=0.005)
    assert found[0]["ece_width"] == pytest.approx(5.1, abs=0.2)
    for other in found[1:]:
        for measure, value in found[0].items():
            assert other[measure] == pytest.approx(value, abs=1e-4), measure
