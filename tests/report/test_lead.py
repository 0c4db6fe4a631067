"""The sentence that a report leads with: who is the most robust, or that nobody knows."""

from dataclasses import replace

import pytest

import ppbench
from ppbench.reporting.html.page import render
from ppbench.reporting.lead import sentence
from ppbench.runs.report import report_content, run_provenance
from tests.report.made_runs import part, run_of
from tests.report.read_page import Page


@pytest.fixture(scope="module")
def content(base_run):
    """What the report of the real run shows."""
    return report_content([base_run])


def test_a_lead_beyond_chance_is_a_lead(content):
    """The best model is named with its mCE, and on how many corruptions it beats the next one, or does not."""
    best, other = sorted(content.scores.models, key=lambda model: model.mce)
    led = replace(content, scores=replace(content.scores, leaders={"mce": best.model}))
    low, high = best.intervals["mce"]
    said = sentence(led)
    assert said.startswith(
        f"{best.model} is the more robust of the two: mCE {best.mce:.1f} [{low:.1f}, {high:.1f}]; "
        f"against {other.model} "
    )
    counts = [verdict.verdict for verdict in content.runner_up.corruptions]
    assert (content.runner_up.first, content.runner_up.second) == (other.model, best.model)
    for verdict in set(counts):
        assert f"{verdict} on {counts.count(verdict)}" in said
    assert said.endswith("of 15 corruptions.")


def test_a_lead_that_may_be_chance_is_none(content):
    """The lowest mCE is said, and that it decides nothing."""
    undecided = replace(content, scores=replace(content.scores, leaders={}))
    assert sentence(undecided).startswith("Which of the two is the more robust is undecided: ")


def test_models_on_different_cells_have_no_order(base_run, tmp_path):
    """A mean over two easy cells is lower than one over 75 and says nothing: nobody is called the most robust."""
    easy = part(base_run, [("clean", 0), ("brightness", 1)], tmp_path / "easy")
    assert sentence(report_content([base_run, easy])) == (
        "Which of the four is the most robust cannot be said: they were measured on different cells."
    )


def test_a_report_begins_with_it(content):
    """It stands on the page."""
    seen = Page(render(content)).texts
    assert sentence(content) in seen


def test_one_model_is_compared_with_nobody(base_run, tmp_path):
    """Its score stands alone; of a part of the benchmark it is called partial."""
    one = report_content([run_of(base_run, ("one",), tmp_path / "one")])
    assert sentence(one).startswith("one: mCE ")
    few = part(base_run, [("fog", 1), ("fog", 5)], tmp_path / "part")
    assert "partial mCE" in sentence(report_content([few]))
    assert "partial mean error" in repr(few)
    assert "partial mCE" in repr(few)


def test_a_run_says_when_its_cells_were_measured(base_run):
    """A run from the store did not take 0 s: its cells were measured earlier, and it says when."""
    stored = replace(base_run.manifest.cells, from_store=152, evaluated=0, first_measured=None)

    def said(cells):
        run = replace(base_run, manifest=replace(base_run.manifest, cells=cells))
        return dict(run_provenance(run).facts)["started"]

    assert "152 cells were measured earlier and kept in the store" in said(stored)
    moments = ("2026-01-02T03:04:05+00:00", "2026-01-03T00:00:00+00:00")
    known = replace(stored, first_measured=moments[0], last_measured=moments[1])
    assert f"measured from {moments[0]} to {moments[1]}" in said(known)
    assert " took " not in said(known)
    assert "s for 152 cells" in said(replace(stored, from_store=0, evaluated=152))


def test_the_store_knows_when_a_cell_was_measured(tmp_path):
    """A second run from the same store names the time of the first."""
    options = {"limit": 20, "corruptions": "fog", "severities": 5, "cache": tmp_path}
    first = ppbench.evaluate("resnet20", **options).manifest
    second = ppbench.evaluate("resnet20", **options).manifest
    assert (first.cells.from_store, first.cells.first_measured) == (0, None)
    assert (second.cells.from_store, second.cells.evaluated) == (2, 0)
    assert first.started <= second.cells.first_measured <= second.cells.last_measured <= second.started
