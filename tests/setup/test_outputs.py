"""Logits, probabilities, or something else?"""

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from ppbench.evaluation.reduction import reduce
from ppbench.models.input_spec import InputSpec
from ppbench.models.loaded_model import LoadedModel
from ppbench.runs.evaluate import evaluate
from ppbench.setup.outputs import judge

LOGITS = 6 * torch.randn(16, 10, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize(
    "answers, kind, state, says",
    [
        (LOGITS, "logits", "ok", "logits"),
        (LOGITS.softmax(1), "probabilities", "notice", "logarithm"),
        (LOGITS.softmax(1).half().float(), "probabilities", "notice", "logarithm"),
        (LOGITS.log_softmax(1), "logits", "ok", "log-probabilities"),
        (LOGITS.sigmoid(), "logits", "notice", "sigmoid"),
        ((LOGITS.amax(1, keepdim=True) == LOGITS).float(), "probabilities", "notice", "no confidence"),
        (torch.where(LOGITS > 15, torch.nan, LOGITS), "logits", "wrong", "not finite"),
        (torch.zeros(16, 10), "logits", "wrong", "same answer"),
        (torch.full((16, 10), 0.1), "logits", "wrong", "same answer"),
        (torch.cat([LOGITS[:1], LOGITS[1:].softmax(1)]), "logits", "ok", "logits"),
        (torch.zeros(16, 1), "logits", "skipped", "one class"),
    ],
)
def test_the_decision(answers: Tensor, kind: str, state: str, says: str) -> None:
    """All rows have to be probabilities, to rounding; one that is not makes them logits."""
    found, finding = judge(answers)
    assert (found, finding.state) == (kind, state)
    assert says in finding.line
    assert "\n" not in finding.line


class _Linear(nn.Module):
    """A network whose logits are its input's mean colours, weighted."""

    def __init__(self, last: nn.Module, classes: int = 10) -> None:
        super().__init__()
        torch.manual_seed(3)
        self.body = nn.Linear(3 * 16, classes)
        self.last = last

    def forward(self, x: Tensor) -> Tensor:
        """Return logits, or what `last` makes of them."""
        pooled = nn.functional.adaptive_avg_pool2d(x, 4).flatten(1)
        answers: Tensor = self.last(8 * self.body(pooled))
        return answers


def _model(last: nn.Module) -> LoadedModel:
    return LoadedModel("m", "m", _Linear(last), InputSpec(32, (0.5,) * 3, (0.2,) * 3), 10, spec_source="test")


def test_a_softmax_inside_changes_no_number() -> None:
    """Predictions are the same, NLL, Brier score and confidence to 1e-4, and run.json says what was done."""
    small = {"corruptions": "pixelate", "severities": "5", "limit": 100, "store": False}
    lines: list[str] = []
    plain = evaluate(_model(nn.Identity()), **small)
    inside = evaluate(_model(nn.Softmax(dim=1)), **small, on_warning=lines.append)
    logs = evaluate(_model(nn.LogSoftmax(dim=1)), **small)
    assert any("it returns probabilities" in line for line in lines)
    assert inside.manifest.models[0].setup.outputs == "probabilities"
    assert plain.manifest.models[0].setup.outputs == "logits"
    for run in (inside, logs):
        np.testing.assert_array_equal(
            run.predictions.answers.predictions, plain.predictions.answers.predictions
        )
        for field in ("nll", "brier", "confidences"):
            np.testing.assert_allclose(
                getattr(run.predictions.answers, field),
                getattr(plain.predictions.answers, field),
                rtol=1e-4,
                atol=1e-4,
            )
        for name, theirs in plain.metrics[0].clean.items():
            assert run.metrics[0].clean[name] == pytest.approx(theirs, abs=1e-4), name


def test_a_class_that_is_ruled_out_stays_finite() -> None:
    """The logarithm is of a clamp at the smallest normal float32."""
    spec = InputSpec(2, (0.0,) * 3, (1.0,) * 3)
    model = LoadedModel("m", "m", nn.Flatten(), spec, 12, outputs="probabilities")
    images = torch.zeros(1, 3, 2, 2, dtype=torch.uint8)
    images[0, 0, 0, 0] = 255
    logits = model.logits(images)
    assert logits[0, 0] == 0
    assert logits[0, 1] == pytest.approx(-87.3365, abs=1e-3)
    assert reduce(logits, torch.tensor([0])).nll[0] == pytest.approx(0, abs=1e-6)
