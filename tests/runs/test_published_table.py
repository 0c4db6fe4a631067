"""The published CIFAR-10-C errors of the 2020 push-pull paper's checkpoints, reproduced on real images."""

from pathlib import Path

import pytest

from ppbench.models.requests import ModelRequest
from ppbench.runs.evaluate import evaluate
from ppbench.runs.folder import Run
from ppbench.scoring.names import ALL, CORRUPTIONS, SEVERITIES

PUBLISHED = {"resnet20": "resnet-20", "resnet20-pp2020": "resnet-20-pp"}


def _published_errors(folder: Path) -> dict[str, list[float]]:
    """Corruption -> the five errors (per cent) that the authors published."""
    rows = (line.split(":") for line in (folder / "C_details.txt").read_text().splitlines() if ":" in line)
    return {name.strip(): [100.0 * float(value) for value in values.split()] for name, values in rows}


@pytest.fixture(scope="module")
def run(test_data: Path) -> Run:
    """Both checkpoints on all 19 corruptions of the first 1,000 test images of CIFAR-10."""
    requests = [
        ModelRequest(name, test_data / "pushpull-2020" / folder / "checkpoint.pth.tar")
        for name, folder in PUBLISHED.items()
    ]
    root = test_data / "cifar10" / "test-first1000.npz"
    return evaluate(requests, data="cifar10-c", root=root, corruptions="all")


@pytest.mark.slow
@pytest.mark.parametrize("model", PUBLISHED)
def test_every_corruption_is_near_its_published_error(model: str, run: Run, test_data: Path) -> None:
    """Each of the 19 averages lies within 2.5 points, the mean of the 15 within 0.5: 1,000 images of 10,000."""
    published = _published_errors(test_data / "pushpull-2020" / PUBLISHED[model])
    assert set(published) == set(ALL)
    table = next(table for table in run.tables if table.model == model)
    ours = {name: sum(table.errors_of(name).values()) / len(SEVERITIES) for name in ALL}
    theirs = {name: sum(published[name]) / len(SEVERITIES) for name in ALL}
    far = {name: (ours[name], theirs[name]) for name in ALL if abs(ours[name] - theirs[name]) > 2.5}
    assert not far
    mean = [sum(errors[name] for name in CORRUPTIONS) / len(CORRUPTIONS) for errors in (ours, theirs)]
    assert mean[0] == pytest.approx(mean[1], abs=0.5)
    assert run.scores[model].mean_error == pytest.approx(mean[0])


@pytest.mark.slow
def test_the_clean_errors_are_the_known_ones(run: Run) -> None:
    """On these 1,000 images the two checkpoints are known to err on 74 and 78."""
    assert [table.clean.errors for table in run.tables if table.clean] == [74, 78]


@pytest.mark.slow
def test_the_normaliser_is_the_published_cifar_alexnet(run: Run) -> None:
    """CIFAR-10-C has no canonical normaliser: the 2020 paper's AlexNet divides, and the table says so."""
    assert run.scores.normaliser is not None
    assert run.scores.normaliser.name == "cifar10-c-alexnet-2020"
    assert any("published files" in note for note in run.context.notes)
