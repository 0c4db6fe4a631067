"""`assert_no_robustness_regression`: the gate as an assertion, for whatever a test has at hand."""

import copy
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

import ppbench
from ppbench.errors import InputError
from ppbench.models.loaded_model import LoadedModel
from ppbench.testing import InconclusiveWarning, InputSpec, assert_no_robustness_regression
from tests.setup.networks import SPEC, Stubborn

SMALL = {"corruptions": "gaussian_noise,fog", "severities": "3,5", "limit": 80}


@pytest.fixture(scope="module")
def model() -> LoadedModel:
    """The shipped resnet20."""
    return ppbench.load_model("resnet20", data="digits-c")


@pytest.fixture(scope="module")
def baseline(model: LoadedModel, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its baseline file."""
    path = tmp_path_factory.mktemp("baseline") / "resnet20.json"
    assert assert_no_robustness_regression(model, baseline=path, update=True, **SMALL) is None
    return path


def _spoilt(model: LoadedModel) -> nn.Module:
    """The network with noise of half their spread on the weights of its first convolution."""
    module = copy.deepcopy(model.module)
    weight = module.get_parameter("conv1.weight")
    with torch.no_grad():
        weight += 0.5 * weight.std() * torch.randn(weight.shape, generator=torch.Generator().manual_seed(0))
    return module


def test_a_name_a_path_a_loaded_model_and_a_network_pass(model: LoadedModel, baseline: Path) -> None:
    """The same weights, however they are given, have the same answers as the baseline."""
    assert model.checkpoint is not None
    for subject, more in (
        ("resnet20", {}),
        (f"resnet20={model.checkpoint}", {}),
        (str(model.checkpoint), {}),
        (model.checkpoint, {}),
        (model, {}),
        (model.module, {"spec": model.spec}),
        (model.module, {"spec": model.spec.to_dict(), "num_classes": 10}),
    ):
        found = assert_no_robustness_regression(subject, baseline=baseline, strict=True, **SMALL, **more)
        assert found is not None
        assert found.identical
        assert found.state == "pass"


def test_the_callers_network_stays_as_it_was(model: LoadedModel, baseline: Path) -> None:
    """A test in the middle of a training leaves mode, weights and memory layout alone."""
    module = copy.deepcopy(model.module).train()
    before = {name: tensor.clone() for name, tensor in module.state_dict().items()}
    assert_no_robustness_regression(module, spec=model.spec, baseline=baseline, **SMALL)
    assert all(part.training for part in module.modules())
    assert all(torch.equal(before[name], tensor) for name, tensor in module.state_dict().items())
    assert module.get_parameter("layer1.0.conv1.weight").is_contiguous()


def test_a_spoilt_network_fails_and_says_where(model: LoadedModel, baseline: Path) -> None:
    """The message has the broken rules with their rise and interval, and the worst corruptions."""
    with pytest.raises(AssertionError) as caught:
        assert_no_robustness_regression(
            _spoilt(model),
            spec=model.spec,
            baseline=baseline,
            allow=["mean_error=+1", "error.fog=+100"],
            **SMALL,
        )
    lines = str(caught.value).splitlines()
    assert lines[0] == "gate: fail, 1 of 2 rules broken"
    assert lines[1].startswith("mean_error went from ")
    assert lines[1].endswith("allowed +1: fail")
    assert lines[2].startswith("worst: ")
    assert "fog" in lines[2] or "gaussian_noise" in lines[2]


def test_thin_evidence_warns_or_fails_strictly(model: LoadedModel, baseline: Path) -> None:
    """A tolerance inside the interval cannot be decided: a warning, and with strict a failure."""
    options = {"spec": model.spec, "baseline": baseline, **SMALL}
    loose = assert_no_robustness_regression(_spoilt(model), allow=["mean_error=+100"], **options)
    assert loose is not None
    found = loose.findings[0].difference
    thin = [f"mean_error={found.difference + 0.3 * (found.high - found.difference):.3f}"]
    with pytest.warns(InconclusiveWarning, match="images would settle it"):
        assert_no_robustness_regression(_spoilt(model), allow=thin, **options)
    with pytest.raises(AssertionError, match="gate: inconclusive"):
        assert_no_robustness_regression(_spoilt(model), allow=thin, strict=True, **options)


def test_what_is_missing_is_said(model: LoadedModel, baseline: Path, tmp_path: Path) -> None:
    """No baseline, a network without its contract, a contract for what has one, other images: one line each."""
    for arguments, options, says in (
        ((model,), {"baseline": tmp_path / "none.json"}, "no such baseline"),
        ((model.module,), {"baseline": baseline}, "a network needs spec="),
        (("resnet20",), {"baseline": baseline, "spec": model.spec}, "has its own"),
        ((model,), {"baseline": baseline, "limit": 79}, "images is 79, there 80"),
        ((model,), {"baseline": baseline, "allow": ["cell.snow.1=1"]}, "no cell.snow.1 among its 4 cells"),
        ((model,), {"baseline": baseline, "allow": ["fog=1"]}, "unknown score 'fog'"),
    ):
        with pytest.raises(InputError, match=says) as caught:
            assert_no_robustness_regression(*arguments, **{**SMALL, **options})
        assert "\n" not in str(caught.value)


def test_a_baseline_of_another_precision_is_judged_by_its_own(model: LoadedModel, tmp_path: Path) -> None:
    """What was written in bf16 is kept in bf16; fp32 is refused, and says why."""
    path = tmp_path / "half.json"
    small = {**SMALL, "baseline": path}
    assert_no_robustness_regression(model, precision="bf16", update=True, **small)
    found = assert_no_robustness_regression(model, precision="bf16", strict=True, **small)
    assert found is not None
    assert found.identical
    with pytest.raises(InputError, match="precision is fp32, there bf16"):
        assert_no_robustness_regression(model, **small)


def test_a_baseline_that_cannot_be_written_is_found_before_the_evaluation(
    model: LoadedModel, tmp_path: Path
) -> None:
    """Not one cell was evaluated when the line comes."""
    cache = tmp_path / "cache"
    for path in (tmp_path, tmp_path / "none" / "b.json"):
        with pytest.raises(
            InputError,
            match=r"choose another with --baseline|name a file to write the baseline to with --baseline",
        ):
            assert_no_robustness_regression("resnet20", baseline=path, update=True, cache=str(cache), **SMALL)
    assert not list(cache.rglob("*.cell"))


class _Counting(Stubborn):
    """In training mode whatever one does; counts the images it is asked for, in all its copies."""

    asked = 0

    def forward(self, x: Tensor) -> Tensor:
        _Counting.asked += len(x)
        return super().forward(x)


@pytest.mark.parametrize("update", [False, True])
def test_what_cannot_be_repeated_is_refused_before_the_evaluation(
    update: bool, baseline: Path, tmp_path: Path
) -> None:
    """Only the batch test has asked the network: no corrupted image, not even all clean ones."""
    _Counting.asked = 0
    path = tmp_path / "new.json" if update else baseline
    with pytest.raises(
        InputError, match="its answers depend on the other images of their batch, so its numbers"
    ):
        assert_no_robustness_regression(
            _Counting(nn.BatchNorm2d(8)), spec=SPEC, baseline=path, update=update, **SMALL
        )
    assert 0 < _Counting.asked < SMALL["limit"]
    assert not (tmp_path / "new.json").exists()


def test_warnings_are_at_the_line_of_the_test(model: LoadedModel, baseline: Path) -> None:
    """Thin evidence, and a set-up that looks wrong: whoever reads the log finds the call."""
    module = nn.Sequential(nn.Flatten(), nn.Linear(3 * 32 * 32, 10))
    nn.init.zeros_(module[1].weight)  # always the same class
    nn.init.zeros_(module[1].bias)
    with (
        pytest.warns(ppbench.EvaluationWarning, match="near chance") as caught,
        pytest.raises(AssertionError),
    ):
        assert_no_robustness_regression(module, spec=model.spec, baseline=baseline, **SMALL)
    assert {warning.filename for warning in caught} == {__file__}
    options = {"spec": model.spec, "baseline": baseline, **SMALL}
    found = assert_no_robustness_regression(_spoilt(model), allow=["mean_error=+100"], **options)
    assert found is not None
    difference = found.findings[0].difference
    thin = f"mean_error={difference.difference + 0.3 * (difference.high - difference.difference):.3f}"
    with pytest.warns(InconclusiveWarning) as caught:
        assert_no_robustness_regression(_spoilt(model), allow=[thin], **options)
    assert {warning.filename for warning in caught} == {__file__}


def test_the_contract_can_be_imported_beside_it() -> None:
    """A training repository needs one import."""
    assert InputSpec(size=32, mean=(0.5, 0.5, 0.5), std=(0.2, 0.2, 0.2)).size == 32
