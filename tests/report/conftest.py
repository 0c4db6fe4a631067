"""The real run that the tests of reports start from."""

import pytest

import ppbench
from ppbench.runs.folder import Run, load_run


@pytest.fixture(scope="session")
def base_run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """ResNet-20, plain and push-pull, on 80 digits under all 15 corruptions."""
    out = tmp_path_factory.mktemp("report") / "run"
    ppbench.evaluate(
        ["resnet20", "resnet20-pp"], data="digits-c", limit=80, baseline_model="resnet20", out=out
    )
    return load_run(out)
