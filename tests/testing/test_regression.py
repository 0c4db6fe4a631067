"""`assert_no_robustness_regression`: the gate as an assertion, for whatever a test has at hand."""

import copy
from pathlib import Path

import pytest
import torch
from torch import nn

import ppbench
from ppbench.errors import InputError
from ppbench.models.loaded_model import LoadedModel
from ppbench.testing import InconclusiveWarning, InputSpec, assert_no_robustness_regression

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
        ((model,), {"baseline": tmp_path / "none.json"}, "no such file"),
        ((model.module,), {"baseline": baseline}, "expected spec= with a network"),
        (("resnet20",), {"baseline": baseline, "spec": model.spec}, "it has its own"),
        ((model,), {"baseline": baseline, "limit": 79}, "images is 79, there 80"),
        ((model,), {"baseline": baseline, "allow": ["cell.snow.1=1"]}, "not among its 4 cells"),
        ((model,), {"baseline": baseline, "allow": ["fog=1"]}, "unknown score 'fog'"),
    ):
        with pytest.raises(InputError, match=says) as caught:
            assert_no_robustness_regression(*arguments, **{**SMALL, **options})
        assert "\n" not in str(caught.value)


def test_the_contract_can_be_imported_beside_it() -> None:
    """A training repository needs one import."""
    assert InputSpec(size=32, mean=(0.5, 0.5, 0.5), std=(0.2, 0.2, 0.2)).size == 32
