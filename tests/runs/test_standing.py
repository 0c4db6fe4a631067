"""How a run stands while it goes on."""

import io
import re

import pytest
from rich.console import Console

from ppbench.cli.progress import EvaluationProgress, standing_line
from ppbench.runs.evaluate import evaluate
from ppbench.runs.standing import Standing
from ppbench.scoring.scores import score

SMALL = {"corruptions": "noise,fog", "severities": "3,5", "limit": 40}


def _watched(models: list[str], **options: object) -> tuple[list[Standing], object]:
    seen: list[Standing] = []
    run = evaluate(models, **{**SMALL, **options}, on_standing=seen.append)  # type: ignore[arg-type]  # test options
    return seen, run


@pytest.mark.parametrize("store", [True, False])
def test_it_is_told_of_every_cell_and_ends_with_the_run_s_scores(store: bool) -> None:
    """One call a cell, from the store or not; the last has the very scores of the run."""
    seen, run = _watched(["alexnet", "resnet20"], store=store)
    assert [standing.done for standing in seen] == list(range(1, 10))
    assert {standing.cells for standing in seen} == {9}
    assert seen[0].scores.models[0].mce is None  # the clean images come first
    last = seen[-1].scores
    for model in ("alexnet", "resnet20"):
        assert last[model] == score(run.tables, run.scores.normaliser)[model]  # type: ignore[attr-defined]


def test_the_running_score_is_of_the_finished_cells_alone() -> None:
    """After each cell it is the score of a run that has only the cells so far, both networks on the same ones."""
    seen, run = _watched(["alexnet", "resnet20"])
    tables = {table.model: table for table in run.tables}  # type: ignore[attr-defined]
    for standing in seen:
        for model in standing.scores.models:
            cells = [(row.corruption, s) for row in model.corruptions for s in row.severities]
            assert len(cells) == standing.done - 1
            errors = [tables[model.model].cells[cell].error for cell in cells]
            if errors:
                assert model.mean_error == pytest.approx(sum(errors) / len(errors))
            assert model.model != "alexnet" or model.mce in (None, 100.0)


def test_what_is_shown_is_called_running() -> None:
    """An mCE of some cells is not the run's, and the line says so; without a normaliser it is a mean error."""
    seen, _ = _watched(["alexnet", "resnet20"])
    text = standing_line(seen[3]).plain
    assert text.startswith("running mCE, of finished cells only: alexnet 100.0, resnet20 ")
    assert standing_line(seen[0]).plain == ""
    seen, _ = _watched(["resnet20"], normaliser="none")
    assert standing_line(seen[-1]).plain.startswith("running mean error, of finished cells only: resnet20 ")


@pytest.mark.parametrize("width", [60, 100])
def test_the_display_fits_and_says_where_it_is(width: int) -> None:
    """Cells done, images per second, the longest name of a cell and the running score in 60 columns."""
    seen, _ = _watched(["alexnet", "resnet20"])
    out = io.StringIO()
    console = Console(file=out, width=width, force_terminal=True, color_system=None)
    progress = EvaluationProgress(console)
    for standing in seen[:8]:
        progress.on_batch("elastic_transform 3", 40, 9 * 40)
        progress.on_standing(standing)
    console.print(progress.get_renderable())
    lines = [line.rstrip() for line in out.getvalue().splitlines()]
    assert max(map(len, lines)) <= width
    assert lines[0].startswith("elastic_transform 3 ")
    assert re.search(r" 8/9 cells [\d,]+ img/s \d", lines[0])
    assert "…" not in out.getvalue()
    assert " ".join(lines[1:]) == standing_line(seen[7]).plain


def test_a_pipe_gets_nothing() -> None:
    """Without a terminal neither bar nor score is printed."""
    out = io.StringIO()
    seen, _ = _watched(["resnet20"])
    with EvaluationProgress(Console(file=out, width=80)) as progress:
        progress.on_batch("fog 3", 40, 360)
        progress.on_standing(seen[-1])
    assert out.getvalue().strip() == ""


def test_a_line_said_meanwhile_stands_above_the_bar() -> None:
    """It begins a line of its own and is broken between words: a bar is never in it, nor what moves the cursor."""
    out = io.StringIO()
    console = Console(file=out, width=60, force_terminal=True, color_system=None)
    with EvaluationProgress(console) as progress:
        progress.say(
            "my\x1b[2J.pt: resnet20: 128 tensors, 272,474 parameters; recognised resnet20 (plain stem)"
        )
    lines = [line.rpartition("\x1b[2K")[2].rstrip() for line in out.getvalue().splitlines()]
    assert "ppbench: my\N{REPLACEMENT CHARACTER}[2J.pt: resnet20: 128 tensors, 272,474" in lines
    assert "parameters; recognised resnet20 (plain stem)" in lines
