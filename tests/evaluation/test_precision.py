"""Other precisions and compiled networks: recorded, kept apart, and near the numbers of fp32."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from ppbench.errors import InputError
from ppbench.runs.evaluate import evaluate
from ppbench.runs.folder import Run

SMALL = {"corruptions": "fog", "severities": "3", "limit": 60}


@pytest.fixture(scope="module")
def plain() -> Run:
    """A run in fp32."""
    return evaluate("resnet20", store=False, **SMALL)


@pytest.mark.parametrize("precision", ["bf16", "fp16"])
def test_a_shorter_precision_is_near_and_says_so(precision: str, plain: Run, tmp_path: Path) -> None:
    """The probabilities move by a few per cent at most, run.json and the table name the precision."""
    run = evaluate("resnet20", precision=precision, store=False, out=tmp_path, **SMALL)
    ours, theirs = run.predictions.answers, plain.predictions.answers
    assert not np.array_equal(ours.nll, theirs.nll)
    assert np.abs(np.exp(-ours.nll) - np.exp(-theirs.nll)).mean() < 0.02
    assert (ours.predictions == theirs.predictions).mean() > 0.95
    assert json.loads((tmp_path / "run.json").read_text())["precision"] == precision
    assert f"networks in {precision}" in (tmp_path / "table.md").read_text()


def test_fp32_is_the_default_and_needs_no_mention(plain: Run) -> None:
    """Numbers that are to be compared are made in fp32."""
    assert plain.manifest["precision"] == "fp32"
    assert plain.manifest["compiled"] is False
    assert plain.context.precision == "fp32"


def test_a_stored_cell_of_another_precision_is_not_taken(tmp_path: Path) -> None:
    """fp32, bf16 and fp32 again: only the last comes from the store."""
    taken = [
        evaluate("resnet20", precision=precision, cache=tmp_path, **SMALL).manifest["cells"]["from_store"]
        for precision in ("fp32", "bf16", "fp32")
    ]
    assert taken == [0, 0, 2]
    assert (tmp_path / "cells").is_dir()


def test_an_unknown_precision_is_one_line() -> None:
    """With the near miss."""
    with pytest.raises(InputError, match="unknown precision 'bf61': did you mean 'bf16'"):
        evaluate("resnet20", precision="bf61", **SMALL)


@pytest.mark.slow
def test_a_compiled_network_answers_alike(plain: Run) -> None:
    """The network is compiled for the full batch and for the last one; the answers differ by rounding at most."""
    torch.compiler.reset()
    run = evaluate("resnet20", compiled=True, store=False, **SMALL)
    assert run.manifest["compiled"] is True
    np.testing.assert_allclose(
        run.predictions.answers.nll, plain.predictions.answers.nll, rtol=1e-2, atol=1e-4
    )
    assert (run.predictions.answers.predictions == plain.predictions.answers.predictions).all()
