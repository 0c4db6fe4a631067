"""The published CIFAR-10-C errors of the 2020 push-pull paper's checkpoints, reproduced on real images."""

import re
from pathlib import Path

import pytest

from ppbench.runs.folder import Run
from ppbench.runs.pairing import compare_runs
from ppbench.scoring.headlines import decimals_of
from ppbench.scoring.names import ALL, CORRUPTIONS, SEVERITIES

from .conftest import PUBLISHED


def _published_errors(folder: Path) -> dict[str, list[float]]:
    """Corruption -> the five errors (per cent) that the authors published."""
    rows = (line.split(":") for line in (folder / "C_details.txt").read_text().splitlines() if ":" in line)
    return {name.strip(): [100.0 * float(value) for value in values.split()] for name, values in rows}


@pytest.mark.slow
@pytest.mark.parametrize("model", PUBLISHED)
def test_every_corruption_is_near_its_published_error(
    model: str, published_run: Run, test_data: Path
) -> None:
    """Each of the 19 averages lies within 2.5 points, the mean of the 15 within 0.5: 1,000 images of 10,000."""
    published = _published_errors(test_data / "pushpull-2020" / PUBLISHED[model])
    assert set(published) == set(ALL)
    table = next(table for table in published_run.tables if table.model == model)
    ours = {name: sum(table.errors_of(name).values()) / len(SEVERITIES) for name in ALL}
    theirs = {name: sum(published[name]) / len(SEVERITIES) for name in ALL}
    far = {name: (ours[name], theirs[name]) for name in ALL if abs(ours[name] - theirs[name]) > 2.5}
    assert not far
    mean = [sum(errors[name] for name in CORRUPTIONS) / len(CORRUPTIONS) for errors in (ours, theirs)]
    assert mean[0] == pytest.approx(mean[1], abs=0.5)
    assert published_run.scores[model].mean_error == pytest.approx(mean[0])


@pytest.mark.slow
def test_the_clean_errors_are_the_known_ones(published_run: Run) -> None:
    """On these 1,000 images the two checkpoints are known to err on 74 and 78."""
    assert [table.clean.errors for table in published_run.tables if table.clean] == [74, 78]


@pytest.mark.slow
def test_the_normaliser_is_the_published_cifar_alexnet(published_run: Run) -> None:
    """CIFAR-10-C has no canonical normaliser: the 2020 paper's AlexNet divides, and the table says so."""
    assert published_run.scores.normaliser is not None
    assert published_run.scores.normaliser.name == "cifar10-c-alexnet-2020"
    assert any("published files" in note for note in published_run.context.notes)


ROOT = Path(__file__).parents[2]

ROW = re.compile(
    r"^\| \*?([\w ]+?)\*?(?: \(CE\))? \| ([\d.]+) \| ([\d.]+) \| ([+−][\d.]+) \[([+−][\d.]+), ([+−][\d.]+)\] "
    r"\| (better|worse|undecided) \|$",
    re.MULTILINE,
)


@pytest.mark.slow
@pytest.mark.parametrize("page, rows", [("docs/push-pull.md", 23), ("README.md", 8)])
def test_the_pages_tell_the_comparison_as_it_is(page: str, rows: int, published_run: Run) -> None:
    """Push-pull against plain: every value, interval and verdict of the page's table is measured again."""
    names = {"clean error": "clean", "mean error": "mean_error", "mCE": "mce", "relative mCE": "relative_mce"}
    (comparison,) = compare_runs([published_run]).comparisons
    assert (comparison.first, comparison.second) == tuple(PUBLISHED)
    told = ROW.findall((ROOT / page).read_text(encoding="utf-8"))
    assert len(told) == rows
    for name, *numbers, verdict in told:
        found = comparison.difference(names.get(name, f"ce.{name}"))
        places = decimals_of(found.score)
        measured = (found.first, found.second, found.difference, found.low, found.high)
        # Another processor may move an answer or two of the 75,000.
        assert [float(number.replace("−", "-")) for number in numbers] == pytest.approx(
            [round(number, places) for number in measured], abs=0.3
        ), name
        assert found.verdict == verdict, name
