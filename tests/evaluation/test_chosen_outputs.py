"""Logits of a network with more outputs than classes, reduced to answers about the classes."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from ppbench.evaluation.answers import INVALID, Answers
from ppbench.evaluation.chosen_outputs import ChosenOutputs
from ppbench.evaluation.reduction import fetch
from ppbench.models.output_choice import OutputChoice

INDICES = (7, 2, 30, 11, 0, 25, 19)
OUTPUTS = 40
CPU = torch.device("cpu")


@pytest.fixture
def logits() -> torch.Tensor:
    """Of 500 images; no two alike."""
    return torch.randn(500, OUTPUTS, generator=torch.Generator().manual_seed(3))


LABELS = torch.arange(500) % len(INDICES)


def _answers(kind: str, logits: torch.Tensor) -> Answers:
    choice = OutputChoice("all" if kind == "all" else "subset", INDICES, OUTPUTS, "the test")
    return fetch([ChosenOutputs(choice, CPU)(logits, LABELS)])


def test_of_a_subset_everything_is_over_its_outputs_alone(logits: torch.Tensor) -> None:
    """Prediction, confidence, NLL, Brier score and top five are those of a network that has only these outputs."""
    few = logits[:, list(INDICES)]
    answers, p = _answers("subset", logits), few.softmax(1)
    np.testing.assert_array_equal(answers.predictions, few.argmax(1))
    np.testing.assert_allclose(answers.confidences, p.amax(1), rtol=1e-6)
    np.testing.assert_allclose(answers.nll, F.cross_entropy(few, LABELS, reduction="none"), rtol=1e-5)
    brier = (p - F.one_hot(LABELS, len(INDICES))).square().sum(1)
    np.testing.assert_allclose(answers.brier, brier, rtol=1e-5)
    np.testing.assert_array_equal(answers.in_top5, (few.topk(5).indices == LABELS[:, None]).any(1))


def test_of_all_outputs_everything_is_over_all_of_them(logits: torch.Tensor) -> None:
    """An answer that is a class is its label, another one the number of classes plus its index."""
    answers, true = _answers("all", logits), torch.tensor(INDICES)[LABELS]
    best = logits.argmax(1).tolist()
    wanted = [INDICES.index(k) if k in INDICES else len(INDICES) + k for k in best]
    assert {True, False} == {k in INDICES for k in best}
    np.testing.assert_array_equal(answers.predictions, wanted)
    np.testing.assert_array_equal(answers.predictions == LABELS.numpy(), logits.argmax(1) == true)
    np.testing.assert_allclose(answers.confidences, logits.softmax(1).amax(1), rtol=1e-6)
    np.testing.assert_allclose(answers.nll, F.cross_entropy(logits, true, reduction="none"), rtol=1e-5)
    np.testing.assert_array_equal(answers.in_top5, (logits.topk(5).indices == true[:, None]).any(1))


def test_all_outputs_are_never_better_than_a_subset(logits: torch.Tensor) -> None:
    """Whoever is right among all is right among the classes: each error of the subset is one of all."""
    subset, everything = (_answers(kind, logits).predictions != LABELS.numpy() for kind in ("subset", "all"))
    assert (subset <= everything).all()
    assert subset.sum() < everything.sum()


def test_ties_go_to_the_networks_lower_output_where_all_count() -> None:
    """As in a run over all of its classes, whichever of the two is a class of the data."""
    logits = torch.zeros(500, OUTPUTS)
    assert set(_answers("all", logits).predictions.tolist()) == {INDICES.index(0)}
    logits[:, 0] = -1
    assert set(_answers("all", logits).predictions.tolist()) == {len(INDICES) + 1}


def test_an_output_that_is_not_finite_counts_where_it_is_looked_at(logits: torch.Tensor) -> None:
    """An output that is switched off by -inf spoils nothing of a subset without it; among all it is an error."""
    logits[0, 1], logits[1, 2], logits[2, 39] = -torch.inf, torch.nan, torch.inf
    valid = [name for name in range(500) if name != 1]
    subset = _answers("subset", logits)
    assert subset.predictions[1] == INVALID
    assert (subset.predictions[valid] >= 0).all()
    everything = _answers("all", logits)
    assert (everything.predictions[:3] == INVALID).all()
    assert (everything.predictions[3:] >= 0).all()
    assert np.isinf(everything.nll[:3]).all()
