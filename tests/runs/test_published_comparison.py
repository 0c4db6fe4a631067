"""Is the published push-pull network of 2020 better than its baseline? On real images, through compare and gate."""

import copy
from dataclasses import replace
from pathlib import Path

import pytest
import torch

import ppbench
from ppbench.models.loaded_model import LoadedModel
from ppbench.runs.evaluate import evaluate
from ppbench.runs.folder import Run
from ppbench.runs.gating import baseline_of, gate_run
from ppbench.runs.pairing import compare_runs
from ppbench.scoring.baseline_file import pack
from ppbench.scoring.gate_rules import parse_rules
from ppbench.scoring.pairing import Difference

pytestmark = pytest.mark.slow

LIMIT = 200


@pytest.fixture(scope="module")
def corruptions(published_run: Run) -> dict[str, Difference]:
    """Corruption -> what compare says of it."""
    (comparison,) = compare_runs([published_run]).comparisons
    return {each.score.partition(".")[2]: each for each in comparison.corruptions}


@pytest.mark.parametrize("noise", ["gaussian_noise", "shot_noise", "impulse_noise"])
def test_push_pull_is_better_on_noise(noise: str, corruptions: dict[str, Difference]) -> None:
    """Better on all three noises, corrected for 15 corruptions, with an interval clear of 0."""
    found = corruptions[noise]
    assert found.verdict == "better"
    assert found.high < 0


def test_frost_is_undecided(corruptions: dict[str, Difference]) -> None:
    """1,000 images do not tell the two apart on frost."""
    assert corruptions["frost"].verdict == "undecided"


@pytest.fixture(scope="module")
def resnet20(test_data: Path) -> LoadedModel:
    """The published resnet-20."""
    path = test_data / "pushpull-2020" / "resnet-20" / "checkpoint.pth.tar"
    return ppbench.load_model("resnet20", checkpoint=path, data="cifar10-c")


@pytest.fixture(scope="module")
def runs(resnet20: LoadedModel, test_data: Path) -> tuple[Run, Run]:
    """The published resnet-20, and with 20 % noise on the weights of its first convolution, on 200 images."""
    module = copy.deepcopy(resnet20.module)
    weight = module.get_parameter("conv1.weight")
    with torch.no_grad():
        weight += 0.2 * weight.std() * torch.randn(weight.shape, generator=torch.Generator().manual_seed(0))
    noisy = replace(resnet20, module=module, sha256=None, checkpoint=None)
    root = test_data / "cifar10" / "test-first1000.npz"
    options = {"data": "cifar10-c", "root": root, "limit": LIMIT, "severities": "1,3,5"}
    return evaluate(resnet20, **options), evaluate(noisy, **options)


def test_the_gate_fails_a_spoilt_network(runs: tuple[Run, Run]) -> None:
    """Noise of 20 % on one layer's weights is a rise of the mean error that 200 images prove; the worst are named."""
    good, noisy = runs
    found = gate_run(noisy, baseline_of(good), parse_rules(["mean_error=0"])).judgement
    assert found.exit_code(strict=False) == 1
    rises = {
        name: noisy.scores.models[0].by_name[name] - value
        for name, value in good.scores.models[0].by_name.items()
        if name.startswith("error.")
    }
    assert found.worst[0].score == max(rises, key=lambda name: rises[name])


def test_the_gate_passes_the_same_network(runs: tuple[Run, Run]) -> None:
    """The same weights on the same images: 0, whatever the tolerance."""
    good, _ = runs
    assert (
        gate_run(good, baseline_of(good), parse_rules(["mean_error=0"])).judgement.exit_code(strict=True) == 0
    )


def test_the_baseline_file_is_small(runs: tuple[Run, Run]) -> None:
    """200 images × 75 cells take under 100 kB: it is meant to be committed. Here are 45 of the 75."""
    assert len(pack(baseline_of(runs[0]))) < 60_000
