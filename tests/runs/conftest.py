"""The run that several tests look at: it takes minutes, so it is made once."""

from pathlib import Path

import pytest

from ppbench.models.requests import ModelRequest
from ppbench.runs.evaluate import evaluate
from ppbench.runs.folder import Run

PUBLISHED = {"resnet20": "resnet-20", "resnet20-pp2020": "resnet-20-pp"}
"""Architecture -> folder of the 2020 push-pull paper's checkpoints."""


@pytest.fixture(scope="session")
def published_run(test_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Both checkpoints on all 19 corruptions of the first 1,000 test images of CIFAR-10."""
    requests = [
        ModelRequest(name, test_data / "pushpull-2020" / folder / "checkpoint.pth.tar")
        for name, folder in PUBLISHED.items()
    ]
    root = test_data / "cifar10" / "test-first1000.npz"
    out = tmp_path_factory.mktemp("published") / "run"
    return evaluate(requests, data="cifar10-c", root=root, corruptions="all", out=out)
