"""Learning rates and momenta, step by step."""

import numpy as np
import pytest
from torch import nn

from ppbench.errors import InputError
from ppbench.training.recipe import Recipe, load_recipe
from ppbench.training.schedule import optimisation


def _course(recipe: Recipe, steps: int) -> tuple[np.ndarray, np.ndarray]:
    """The rate and the momentum of each step."""
    optimiser, schedule = optimisation(nn.Linear(2, 2).parameters(), recipe, steps)
    rates, momenta = [], []
    for _ in range(steps):
        rates.append(optimiser.param_groups[0]["lr"])
        momenta.append(optimiser.param_groups[0]["momentum"])
        optimiser.step()
        schedule.step()
    return np.array(rates), np.array(momenta)


def _cosine(start: float, end: float, share: np.ndarray) -> np.ndarray:
    return end + (start - end) / 2 * (1 + np.cos(np.pi * share))


@pytest.mark.parametrize("name, last", [("cifar10-paper", 1.25e-7), ("imagenet-paper", 2.5e-6)])
def test_the_papers_schedule_is_what_its_script_really_ran(name: str, last: float) -> None:
    """Up to lr at 30 %, down to lr_start · lr_end / lr, not to lr_end; the momentum cycles 0.95, 0.85, 0.95."""
    recipe, steps = load_recipe(name), 1000
    rates, momenta = _course(recipe, steps)
    peak = 0.3 * steps - 1
    rise = np.arange(int(peak) + 1) / peak
    fall = (np.arange(int(peak) + 1, steps) - peak) / (steps - 1 - peak)
    assert rates == pytest.approx(
        np.concatenate([_cosine(recipe.lr_start, recipe.lr, rise), _cosine(recipe.lr, last, fall)])
    )
    assert momenta == pytest.approx(np.concatenate([_cosine(0.95, 0.85, rise), _cosine(0.85, 0.95, fall)]))
    assert rates[-1] == pytest.approx(last)


def test_the_intended_schedule_is_a_switch_away() -> None:
    """One field: the last rate is lr_end, and the momentum stays."""
    recipe = load_recipe("cifar10-paper", {"schedule": "one-cycle"})
    rates, momenta = _course(recipe, 400)
    assert rates[0] == pytest.approx(5e-3)
    assert rates.max() == pytest.approx(0.2)
    assert rates[-1] == pytest.approx(5e-6)
    assert set(momenta) == {0.9}


def test_a_training_too_short_to_warm_up_is_refused() -> None:
    """PyTorch would divide by zero."""
    with pytest.raises(
        InputError, match=r"a warm-up of more than one step, got 0.3 of 3 steps: train longer"
    ):
        optimisation(nn.Linear(2, 2).parameters(), load_recipe("cifar10-paper"), 3)


def test_thirds_divide_by_ten() -> None:
    """AlexNet's schedule in the paper's recipes."""
    rates, _ = _course(load_recipe("cifar10-paper", model="alexnet"), 60)
    assert rates == pytest.approx([1e-2] * 20 + [1e-3] * 20 + [1e-4] * 20)
    rates, _ = _course(load_recipe("imagenet-paper", model="alexnet"), 40)
    assert rates == pytest.approx([1e-2] * 12 + [1e-3] * 12 + [1e-4] * 12 + [1e-5] * 4)


def test_weight_decay_is_on_every_parameter() -> None:
    """Biases, batch normalisation and the inhibition strength too, as in the authors' script."""
    optimiser, _ = optimisation(nn.BatchNorm2d(3).parameters(), load_recipe("cifar10-paper"), 10)
    assert [group["weight_decay"] for group in optimiser.param_groups] == [1e-5]
    assert len(optimiser.param_groups[0]["params"]) == 2
