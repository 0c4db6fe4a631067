"""Recipes as data."""

from pathlib import Path

import pytest

from ppbench.errors import InputError
from ppbench.training.recipe import SHIPPED, load_recipe, recipe_names


@pytest.mark.parametrize("name", recipe_names())
def test_shipped_recipes_are_whole(name: str) -> None:
    """Every shipped file loads, under its own name, and survives the way to plain values and back."""
    recipe = load_recipe(name)
    assert recipe.name == name
    assert load_recipe(name, recipe.to_dict()) == recipe


def test_fields_can_be_overridden() -> None:
    """An override counts before the file; whole numbers are taken where any number is."""
    recipe = load_recipe("digits", {"epochs": 2, "lr": 1})
    assert recipe.epochs == 2
    assert recipe.lr == 1.0
    assert load_recipe("digits", {"precision": 64}).precision == "64"
    assert isinstance(recipe.lr, float)


def _edited(tmp_path: Path, old: str, new: str) -> str:
    text = (SHIPPED / "digits.toml").read_text()
    assert old in text
    path = tmp_path / "mine.toml"
    path.write_text(text.replace(old, new))
    return str(path)


def test_a_recipe_can_be_a_file(tmp_path: Path) -> None:
    """It is called like the file."""
    assert load_recipe(_edited(tmp_path, "shift = 2", "shift = 0")).name == "mine"


WRONG = {
    "unknown field": ("shift = 2", "shfit = 2", "unknown field 'shfit': did you mean 'shift'"),
    "missing field": ("shift = 2", "", "the field 'shift' is missing"),
    "text for a number": ("shift = 2", 'shift = "two"', "shift to be a whole number, got 'two'"),
    "part of a pixel": ("shift = 2", "shift = 2.5", "shift to be a whole number, got 2.5"),
    "true for a number": ("shift = 2", "shift = true", "shift to be a whole number, got True"),
    "a number for true": ("nesterov = true", "nesterov = 1", "nesterov to be true or false, got 1"),
    "negative": ("shift = 2", "shift = -1", "shift to be at least 0, got -1"),
    "not finite": (
        "weight_decay = 5e-4",
        "weight_decay = inf",
        "weight_decay to be a finite number, got inf",
    ),
    "not a number": (
        "weight_decay = 5e-4",
        "weight_decay = nan",
        "weight_decay to be a finite number, got nan",
    ),
    "no warm-up at all": ("warmup = 0.25", "warmup = 0.0", "warmup to be above 0"),
    "nothing but warm-up": ("warmup = 0.25", "warmup = 1.0", "warmup to be below 1"),
    "two channels": ("mean = [0.35, 0.4, 0.35]", "mean = [0.35, 0.4]", "mean to be three numbers"),
    "no spread": ("std = [0.3, 0.3, 0.3]", "std = [0.3, 0, 0.3]", r"std\[1\] to be above 0"),
    "a schedule that is none": (
        'schedule = "one-cycle"',
        'schedule = "onecycle"',
        "schedule 'onecycle': did you mean",
    ),
    "no such precision": ('precision = "32"', "precision = 33", "unknown precision '33'"),
    "extends nothing": (
        'data = "digits-c"',
        'extends = "digit"',
        "unknown recipe 'digit': did you mean 'digits'",
    ),
    "no TOML": ("shift = 2", "shift : 2", "cannot be read as a recipe"),
    "Nesterov without momentum": (
        "momentum = 0.9",
        "momentum = 0",
        "momentum to be above 0 where nesterov is true",
    ),
    "a warm-up that goes down": (
        "lr = 0.1",
        "lr = 0.001",
        "lr to be the highest rate, got 0.001 beside lr_start 0.01",
    ),
    "a table of no model": (
        "std = [0.3, 0.3, 0.3]",
        "std = [0.3, 0.3, 0.3]\n[models.resnet20_pp]\nlr = 0.02",
        r"\[models.resnet20_pp\]: unknown model 'resnet20_pp': did you mean 'resnet20-pp'",
    ),
    "a misspelt field of another model": (
        "std = [0.3, 0.3, 0.3]",
        "std = [0.3, 0.3, 0.3]\n[models.resnet32]\nepoch = 2",
        r"\[models.resnet32\]: unknown field 'epoch': did you mean 'epochs'",
    ),
    "thirds of two epochs": (
        'epochs = 5\nbatch_size = 64\nschedule = "one-cycle"',
        'epochs = 2\nbatch_size = 64\nschedule = "thirds"',
        "at least 3 epochs for the schedule 'thirds', got 2",
    ),
    "several models": ('model = "resnet20-pp"', 'model = ["resnet20"]', "model to be a text, got"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_recipe_that_is_not_as_said_is_one_line(case: str, tmp_path: Path) -> None:
    """The line names the file and the field."""
    old, new, message = WRONG[case]
    with pytest.raises(InputError, match=message) as caught:
        load_recipe(_edited(tmp_path, old, new))
    assert "mine.toml" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"epochs": 0}, "expected epochs to be at least 1, got 0"),
        ({"lr": "abc"}, "expected lr to be a number, got 'abc'"),
        ({"mean": [1.0, 0.0]}, "expected mean to be three numbers, got [1.0, 0.0]"),
        ({"std": [1.0, 0.0, 1.0]}, "expected std[1] to be above 0, got 0.0"),
        ({"warmth": 1}, "unknown field 'warmth'"),
        ({"epochs": 2, "schedule": "thirds"}, "expected at least 3 epochs for the schedule 'thirds', got 2"),
        ({"momentum": 0}, "expected momentum to be above 0"),
        ({"lr": 0.0001}, "expected lr to be the highest rate"),
    ],
)
def test_what_was_set_beside_the_file_does_not_blame_the_file(
    changes: dict[str, object], message: str
) -> None:
    """Nobody should look for a mistake of the command line in a shipped recipe."""
    with pytest.raises(InputError) as error:
        load_recipe("cifar10-fast", changes)
    assert str(error.value).startswith(message)


def test_unknown_recipes_have_their_near_miss() -> None:
    """A name that is none, and a file that is not there."""
    with pytest.raises(InputError, match="unknown recipe 'digit': did you mean 'digits'"):
        load_recipe("digit")
    with pytest.raises(InputError, match=r"nowhere\.toml: no such recipe file"):
        load_recipe("nowhere.toml")


def test_a_table_for_a_model_counts_for_that_model(tmp_path: Path) -> None:
    """AlexNet's own learning rate is nobody else's; an override counts before it."""
    assert load_recipe("digits", model="alexnet").lr < load_recipe("digits", model="resnet20").lr
    assert load_recipe("digits", model="alexnet").model == "alexnet"
    assert load_recipe("digits", {"lr": 0.5}, model="alexnet").lr == 0.5
    assert load_recipe("digits", {"model": "alexnet"}) == load_recipe("digits", model="alexnet")
    with pytest.raises(InputError, match="models to hold a table for each model"):
        load_recipe(_edited(tmp_path, "[models.alexnet]", "[models]"))


def test_a_recipe_extends_another_one(tmp_path: Path) -> None:
    """What it does not say is as there, the tables of models too."""
    path = tmp_path / "mine.toml"
    path.write_text('extends = "digits"\nepochs = 9\n[models.resnet20]\nlr = 0.3\n')
    recipe, base = load_recipe(str(path)), load_recipe("digits")
    changed = {key for key, value in recipe.to_dict().items() if value != base.to_dict()[key]}
    assert changed == {"name", "epochs"}
    assert load_recipe(str(path), model="resnet20").lr == 0.3
    assert load_recipe(str(path), model="alexnet").lr == load_recipe("digits", model="alexnet").lr


def test_what_a_recipe_says_of_all_goes_before_what_it_extends_says_of_one(tmp_path: Path) -> None:
    """The digits' recipe has a rate and epochs of AlexNet's own: a file's rate is taken, the epochs stay."""
    path = tmp_path / "mine.toml"
    path.write_text('extends = "digits"\nlr = 0.02\n')
    assert load_recipe("digits", model="alexnet").lr == 0.05
    mine = load_recipe(str(path), model="alexnet")
    assert (mine.lr, mine.epochs) == (0.02, 20)
    path.write_text('extends = "digits"\nlr = 0.02\n[models.alexnet]\nlr = 0.03\n')
    mine = load_recipe(str(path), model="alexnet")
    assert (mine.lr, mine.epochs) == (0.03, 20)


def test_the_papers_recipes_are_as_its_table_says() -> None:
    """Epochs, batch size, rates and weight decay of push-pull's public training script."""
    table = {
        name: (how.epochs, how.batch_size, how.lr_start, how.lr, how.lr_end, how.weight_decay)
        for name in ("cifar10-paper", "imagenet100-paper", "imagenet-paper")
        for how in [load_recipe(name)]
    }
    assert table == {
        "cifar10-paper": (30, 64, 5e-3, 0.2, 5e-6, 1e-5),
        "imagenet100-paper": (20, 64, 5e-3, 0.2, 5e-6, 1e-5),
        "imagenet-paper": (20, 128, 0.05, 1.0, 5e-5, 1e-5),
    }
