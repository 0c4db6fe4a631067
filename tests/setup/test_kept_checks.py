"""The set-up check of a run: what it says and records, and that a run from the store does not repeat it."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import ppbench
from ppbench.evaluation.store import CellStore
from ppbench.models.load import load_model
from ppbench.models.requests import Loading
from ppbench.runs.evaluate import evaluate
from ppbench.setup.checking import Checker
from ppbench.setup.finding import Finding, SetupCheck
from ppbench.setup.kept import KeptChecks
from tests.setup.networks import Small, loaded

SMALL: dict[str, Any] = {"corruptions": "pixelate", "severities": "5", "limit": 200}


def test_a_check_is_the_same_after_json() -> None:
    """What run.json and the store keep of it is all of it."""
    check = SetupCheck(
        "m", "probabilities", "batch", (Finding("batch", "wrong", "a", "b"), Finding("images", "ok", "c"))
    )
    assert SetupCheck.from_dict("m", check.to_dict()) == check
    assert check.verdict == "wrong"
    assert check.warnings == ("m: a: b",)


def test_the_contract_is_not_warned_of() -> None:
    """A run names every contract anyway; the verdict has it all the same. What was not looked at counts for nothing."""
    check = SetupCheck(
        "m", "logits", None, (Finding("contract", "notice", "a"), Finding("other set-ups", "skipped", "b"))
    )
    assert check.warnings == ()
    assert check.verdict == "notice"


def test_a_network_that_could_not_be_asked_is_warned_of() -> None:
    """Nothing is known of its batch and its outputs then: all is not well."""
    check = SetupCheck("m", "logits", None, (Finding("batch", "skipped", "16 images failed"),))
    assert not check.complete
    assert check.warnings == ("m: 16 images failed",)


def test_a_run_from_the_store_checks_nothing_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its run.json says the same, its warnings are the same, and no network is asked anything."""
    wrong = Loading(spec={"mean": (0.9, 0.9, 0.9)})
    monkeypatch.setattr("ppbench.setup.checking._SECONDS", 1e9)  # on however busy a machine
    first_lines: list[str] = []
    first = evaluate("resnet20", **SMALL, loading=wrong, cache=tmp_path, on_warning=first_lines.append)
    assert first_lines

    def never(*_arguments: object) -> None:
        raise AssertionError("asked")

    monkeypatch.setattr(Checker, "_asked", never)
    monkeypatch.setattr(Checker, "_searched", never)
    lines: list[str] = []
    again = evaluate("resnet20", **SMALL, loading=wrong, cache=tmp_path, on_warning=lines.append)
    assert again.manifest.cells.evaluated == 0
    assert lines == first_lines
    assert again.manifest.models == first.manifest.models
    with pytest.raises(AssertionError, match="asked"):
        evaluate("resnet20", **SMALL, loading=wrong, cache=tmp_path, fresh=True)
    CellStore(tmp_path / "cells").clear()
    assert not list((tmp_path / "cells").rglob("*.setup"))


def test_a_damaged_check_is_made_again(tmp_path: Path) -> None:
    """Half a file, another version, a list, a file that somebody edited: none of them is taken."""
    store = CellStore(tmp_path)
    kept, check = KeptChecks(store), SetupCheck("m", "logits", None, (Finding("images", "ok", "c"),))
    kept.put("ab" * 32, check)
    assert kept.get("ab" * 32, "m") == check
    path = next(tmp_path.rglob("*.setup"))
    whole = path.read_text()
    edited = [whole.replace('"logits"', '"probabilities"'), whole.replace("null", '"weird"')]
    assert whole not in edited
    for content in (whole[:20], whole.replace('"version": 2', '"version": 0'), "[]", *edited):
        path.write_text(content)
        assert kept.get("ab" * 32, "m") is None
    assert kept.get("cd" * 32, "m") is None


def test_a_good_run_says_one_line() -> None:
    """No warning, and one note that the set-up was looked at."""
    warnings: list[str] = []
    notes: list[str] = []
    run = evaluate("resnet20", **SMALL, store=False, on_warning=warnings.append, on_note=notes.append)
    assert warnings == []
    assert [note for note in notes if "set-up check" in note] == [
        "set-up check: nothing looks wrong (resnet20); but 200 images are few, a wrong mean or BGR may not show"
    ]
    setup = run.manifest.models[0].setup
    assert setup.verdict == "ok"
    assert "the index (resnet20-digits) says 4.0 %" in setup.findings[-1].text


def test_a_network_handed_in_is_not_compared_with_its_file() -> None:
    """It may have been trained or pruned since: only what a run loads itself is what the index says of its digest."""
    model = ppbench.load_model("resnet20", data="digits-c")
    run = evaluate(model, **SMALL, store=False)
    assert "nobody has published" in run.manifest.models[0].setup.findings[-1].text


FOG: dict[str, Any] = {
    "data": "cifar10-c",
    "source": "published",
    "corruptions": "fog",
    "severities": "1",
    "limit": 50,
    "store": False,
}


def _publish_fog(folder: Path) -> None:
    """Write a published corruption without clean images beside it."""
    random = np.random.default_rng(0)
    np.save(folder / "fog.npy", random.integers(0, 256, (50_000, 32, 32, 3), np.uint8))
    np.save(folder / "labels.npy", np.tile(random.integers(0, 10, 10_000), 5))


def test_published_cells_without_clean_images_are_checked_too(tmp_path: Path) -> None:
    """The batch and the outputs are tried on the first cell; there is no clean error then."""
    _publish_fog(tmp_path)
    run = evaluate(
        loaded(Small(torch.nn.BatchNorm2d(8, track_running_stats=False))),
        root=tmp_path,
        **FOG,
    )
    setup = run.manifest.models[0].setup
    assert setup.depends_on == "batch"
    (clean,) = (finding for finding in setup.findings if finding.check == "clean error")
    assert clean.state == "skipped"


def test_what_could_not_be_looked_at_is_said(tmp_path: Path) -> None:
    """Published files without clean images show no wrong normalisation: nobody should read that all is well."""
    _publish_fog(tmp_path)
    notes: list[str] = []
    evaluate(
        loaded(Small()),
        root=tmp_path,
        **FOG,
        on_note=notes.append,
    )
    (line,) = (note for note in notes if "set-up check" in note)
    assert "nothing looks wrong (m); but not looked at: clean error (there are no clean images" in line
    assert "not looked at: clean error (there are no clean images" in line


def test_a_table_keeps_what_looks_wrong(tmp_path: Path) -> None:
    """It is what people copy: labels that are off by one stand below it, and not on the screen alone."""
    model = load_model("resnet20-digits")
    with torch.no_grad():
        for tensor in (model.module.fc.weight, model.module.fc.bias):  # type: ignore[union-attr]  # a ResNet has it
            tensor.copy_(tensor.roll(1, 0))
    run = evaluate(replace(model, name="rolled"), **SMALL, store=False, out=tmp_path / "run")
    assert any(
        note.startswith("rolled: its set-up looks wrong: with labels higher") for note in run.context.notes
    )
    assert "its set-up looks wrong" in (tmp_path / "run" / "table.md").read_text(encoding="utf-8")


def test_weights_that_are_no_numbers_are_named() -> None:
    """Where they are, instead of questions about normalisation and labels, which do not arise."""
    model = load_model("resnet20-digits")
    with torch.no_grad():
        model.module.layer1[1].conv1.weight[0, 0, 0, 0] = float("nan")  # type: ignore[index, union-attr]  # a ResNet
    warnings: list[str] = []
    run = evaluate(replace(model, name="spoilt"), **SMALL, store=False, on_warning=warnings.append)
    assert any(
        "layer1.1.conv1.weight holds numbers that are not finite: is the file damaged" in line
        for line in warnings
    )
    assert not any("normalisation" in line or "--precision fp32" in line for line in warnings)
    assert "spoilt gave outputs that are not finite for 100 % of the images" in " ".join(run.context.notes)
    assert "most of them on clean (100 %)" in " ".join(run.context.notes)
    states = {finding.check: finding.state for finding in run.manifest.models[0].setup.findings}
    assert (states["weights"], states["class order"], states["other set-ups"]) == (
        "wrong",
        "skipped",
        "skipped",
    )


def test_the_line_says_what_it_does_not_cover() -> None:
    """An input that nobody named, and few images; with many images, and a file that names its input, nothing."""
    notes: list[str] = []
    guessed = replace(load_model("resnet20-digits"), spec_guessed=True)
    evaluate(guessed, **SMALL, on_note=notes.append)
    evaluate("resnet20", **{**SMALL, "limit": None}, on_note=notes.append)
    first, second = (note for note in notes if "set-up check" in note)
    assert (
        "but the input of resnet20-digits was guessed, as nothing says what it is; 200 images are few"
        in first
    )
    assert second == "set-up check: nothing looks wrong (resnet20)"
