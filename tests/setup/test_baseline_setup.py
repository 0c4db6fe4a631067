"""A baseline knows how its model was set up."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ppbench.errors import InputError
from ppbench.models.requests import Loading
from ppbench.runs.agreement import require_repeatable_setups, setup_changes
from ppbench.runs.evaluate import evaluate
from ppbench.runs.folder import Run
from ppbench.runs.gating import baseline_of, gate_run, read_baseline, write_baseline
from ppbench.scoring.baseline_file import pack, unpack
from ppbench.setup.finding import SetupCheck

SMALL: dict[str, Any] = {"corruptions": "pixelate", "severities": "5", "limit": 60, "normaliser": "none"}


@pytest.fixture(scope="module")
def run() -> Run:
    """A run of a shipped network."""
    return evaluate("resnet20", **SMALL)


def test_another_contract_is_told(run: Run) -> None:
    """The gate judges it all the same: a network that was trained again may have another."""
    other = evaluate("resnet20", **SMALL, loading=Loading(spec={"mean": (0.4, 0.4, 0.4)}))
    result = gate_run(other, baseline_of(run))
    assert result.setup_changes == ("input mean is 0.4, 0.4, 0.4, there 0.35, 0.4, 0.35",)
    assert (
        "set-up",
        "not as in the baseline: input mean is 0.4, 0.4, 0.4, there 0.35, 0.4, 0.35",
    ) in result.facts
    assert result.to_dict()["setup_changes"] == list(result.setup_changes)
    assert gate_run(run, baseline_of(run)).setup_changes == ()


def test_other_outputs_are_told() -> None:
    """Probabilities in place of logits are a change; where one of the two does not say, there is nothing to tell."""
    ours, theirs = {"outputs": "probabilities"}, {"outputs": "logits"}
    assert setup_changes(ours, theirs) == ("outputs is probabilities, there logits",)
    assert setup_changes(ours, None) == setup_changes(None, theirs) == ()


def test_a_file_keeps_it_and_older_files_go_on_to_work(run: Run, tmp_path: Path) -> None:
    """A baseline of an older version has no set-up, and is judged by as before."""
    baseline = baseline_of(run)
    write_baseline(baseline, tmp_path / "new.json")
    assert read_baseline(tmp_path / "new.json").setup == baseline.setup
    assert baseline.setup is not None
    assert baseline.setup["outputs"] == "logits"
    text = pack(replace(baseline, setup=None))
    assert "setup" not in json.loads(text)
    old = unpack(text, "old.json")
    assert old.setup is None
    assert gate_run(run, old).setup_changes == ()


def test_a_run_of_an_older_version_goes_on_to_work(run: Run) -> None:
    """Its run.json says nothing of the set-up."""
    models = tuple(replace(model, setup=None) for model in run.manifest.models)
    old = replace(run, manifest=replace(run.manifest, models=models))
    assert baseline_of(old).setup is None
    assert gate_run(old, baseline_of(run)).setup_changes == ()


def test_refused_before_the_work() -> None:
    """As soon as the batch test is made; only the model that counts."""
    checks = [SetupCheck("a", "logits", "chance", ()), SetupCheck("b", "logits", None, ())]
    require_repeatable_setups(checks, "b")
    for model in (None, "a"):
        with pytest.raises(
            InputError,
            match="this run: a: its answers depend on chance, so its",
        ):
            require_repeatable_setups(checks, model)
