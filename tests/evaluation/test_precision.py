"""Other precisions and compiled networks: recorded, kept apart, and near the numbers of fp32."""

import json
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from ppbench.errors import InputError
from ppbench.evaluation.precision import _without_tf32
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
    assert plain.manifest.precision == "fp32"
    assert plain.manifest.compiled is False
    assert plain.context.precision == "fp32"


def test_a_stored_cell_of_another_precision_is_not_taken(tmp_path: Path) -> None:
    """fp32, bf16 and fp32 again: only the last comes from the store."""
    taken = [
        evaluate("resnet20", precision=precision, cache=tmp_path, **SMALL).manifest.cells.from_store
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
    assert run.manifest.compiled is True
    np.testing.assert_allclose(
        run.predictions.answers.nll, plain.predictions.answers.nll, rtol=1e-2, atol=1e-4
    )
    assert (run.predictions.answers.predictions == plain.predictions.answers.predictions).all()


PRODUCTS, CONVOLUTIONS = torch.backends.cuda.matmul, torch.backends.cudnn
BY_NAME = hasattr(PRODUCTS, "fp32_precision")


@pytest.fixture
def as_it_was() -> Iterator[None]:
    """Torch's settings of float32 are put back after the test, and the old flags with them."""
    before = [torch.backends.fp32_precision, CONVOLUTIONS.fp32_precision] if BY_NAME else []
    yield
    PRODUCTS.allow_tf32, CONVOLUTIONS.allow_tf32 = False, True
    if BY_NAME:
        torch.backends.fp32_precision, CONVOLUTIONS.fp32_precision = before
        PRODUCTS.fp32_precision = "none"
        CONVOLUTIONS.conv.fp32_precision = CONVOLUTIONS.rnn.fp32_precision = "tf32"


def _settings() -> tuple[str, str, str]:
    return PRODUCTS.fp32_precision, CONVOLUTIONS.conv.fp32_precision, CONVOLUTIONS.rnn.fp32_precision


@pytest.mark.skipif(not BY_NAME, reason="needs torch 2.9")
@pytest.mark.parametrize(
    ("products", "convolutions"), [("tf32", "tf32"), ("tf32", "ieee"), ("ieee", "tf32"), ("none", "tf32")]
)
def test_float32_is_float32_under_a_caller_s_tf32(products: str, convolutions: str, as_it_was: None) -> None:
    """Set by torch's new names, of which torch refuses to be asked by the old ones; both are as they were after it."""
    PRODUCTS.fp32_precision = products
    CONVOLUTIONS.conv.fp32_precision = convolutions
    before = _settings()
    for _ in range(2):
        with _without_tf32():
            assert _settings() == ("ieee", "ieee", "ieee")
        assert _settings() == before


@pytest.mark.skipif(not BY_NAME, reason="needs torch 2.9")
def test_a_setting_goes_on_following_the_one_above_it(as_it_was: None) -> None:
    """TF32 for everything in one word, and taken back in one word after a run."""
    torch.backends.fp32_precision = "tf32"
    with _without_tf32():
        assert _settings() == ("ieee", "ieee", "ieee")
    assert _settings() == ("tf32", "tf32", "tf32")
    torch.backends.fp32_precision = "ieee"
    assert _settings() == ("ieee", "ieee", "ieee")


@pytest.mark.parametrize("allowed", [False, True])
def test_the_old_flags_are_as_they_were(allowed: bool, as_it_was: None) -> None:
    """Who uses `allow_tf32` can still ask for it."""
    PRODUCTS.allow_tf32 = CONVOLUTIONS.allow_tf32 = allowed
    with _without_tf32():
        pass
    assert PRODUCTS.allow_tf32 is allowed
    assert CONVOLUTIONS.allow_tf32 is allowed


def test_an_older_torch_is_asked_by_the_old_flags(monkeypatch: pytest.MonkeyPatch) -> None:
    """It has no other names; they are off within and as they were after it."""
    products, convolutions = SimpleNamespace(allow_tf32=True), SimpleNamespace(allow_tf32=True)
    monkeypatch.setattr(torch.backends.cuda, "matmul", products)
    monkeypatch.setattr(torch.backends, "cudnn", convolutions)
    with _without_tf32():
        assert (products.allow_tf32, convolutions.allow_tf32) == (False, False)
    assert (products.allow_tf32, convolutions.allow_tf32) == (True, True)
