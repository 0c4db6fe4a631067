"""What a model card says of how its network was made."""

import shlex

import pytest

from ppbench.cli.train import _fields
from ppbench.models.storage import Bits
from ppbench.training.card import card
from ppbench.training.recipe import Recipe, load_recipe
from tests.training.easy import easy_images


def _command(recipe: Recipe, *, bits: Bits = 32) -> list[str]:
    facts = {
        "architecture": recipe.model,
        "num_classes": 4,
        "image_size": 32,
        "input": {"mean": recipe.mean, "std": recipe.std},
        "data": "digits-c",
        "data_digest": "0" * 64,
        "seed": 3,
        "clean_error": 5.0,
        "clean_error_before": 4.5,
        "test_images": 20,
        "ppbench": "0",
    }
    text = card("mine", facts, recipe, easy_images(), 1000, "1" * 64, bits=bits)
    assert ("kernels in half precision" in text) == (bits == 16)
    assert ("before storing it was 4.50 %" in text) == (bits != 32)
    return shlex.split(text.split("Made by `")[1].split("`")[0])


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"epochs": 7, "lr": 0.06, "augmentation": "prime", "jsd": 12.0},
        {"precision": "64", "flip": True, "mean": (0.1, 0.2, 0.3), "shift_fill": "zero"},
    ],
)
def test_the_command_of_a_card_gives_the_recipe(changes: dict[str, object]) -> None:
    """Read back, it is the recipe that was trained: with every field that was changed, and no other."""
    recipe = load_recipe("digits", changes, model="alexnet")
    words = _command(recipe, bits=8)
    assert words[:6] == ["ppbench", "train", "--recipe", "digits", "--model", "alexnet"]
    assert words[-4:] == ["--seed", "3", "--bits", "8"]
    changed = _fields([words[k + 1] for k, word in enumerate(words) if word == "--set"])
    assert set(changed) == set(changes)
    assert load_recipe("digits", changed, model="alexnet") == recipe


def test_a_recipe_of_ones_own_is_named_as_a_file() -> None:
    """Its name alone would be taken for a shipped one."""
    recipe = load_recipe("digits", {"name": "my own"})
    assert _command(recipe)[:4] == ["ppbench", "train", "--recipe", "my own.toml"]
