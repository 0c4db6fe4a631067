"""The normalisers that ship, and those a user brings."""

import math
from dataclasses import replace

import pytest
from hypothesis import given

from ppbench.errors import InputError
from ppbench.scoring.errors_table import write_errors_csv
from ppbench.scoring.names import CORRUPTIONS, EXTRA, SEVERITIES
from ppbench.scoring.normaliser import (
    NORMALISERS,
    choose_normaliser,
    default_normaliser,
    is_alexnet,
    load_normaliser,
    measured,
    with_images,
)

from .tables import counted_tables, stated

# The list every paper divides by ("raw AlexNet errors"), as fractions; from the AugMix repository.
ALEXNET_MEANS = {
    "gaussian_noise": 0.886428, "shot_noise": 0.894468, "impulse_noise": 0.922640, "defocus_blur": 0.819880,
    "glass_blur": 0.826268, "motion_blur": 0.785948, "zoom_blur": 0.798360, "snow": 0.866816,
    "frost": 0.826572,
    "fog": 0.819324, "brightness": 0.564592, "contrast": 0.853204, "elastic_transform": 0.646056,
    "pixelate": 0.717840, "jpeg_compression": 0.606500,
}  # fmt: skip


def test_alexnet_severities_average_to_the_published_list():
    """The per-severity AlexNet rows have the severity means that papers divide by, to 6 decimals."""
    alexnet = load_normaliser("imagenet-c-alexnet")
    assert alexnet.corruptions == CORRUPTIONS
    assert alexnet.clean == 43.478
    for corruption, mean in ALEXNET_MEANS.items():
        assert round(alexnet.total(corruption, SEVERITIES) / 500, 6) == mean
    assert round(math.fsum(ALEXNET_MEANS.values()) / 15, 6) == 0.788993


def test_the_cifar_list_has_the_published_means():
    """The 2020 paper's 19 CIFAR-10-C errors average to its 29.09 over 19 and 29.75 over the 15."""
    cifar = load_normaliser("cifar10-c-alexnet-2020")
    assert cifar.corruptions == CORRUPTIONS + EXTRA
    assert cifar.clean == 13.87
    assert round(math.fsum(cifar.mean.values()) / 19, 2) == 29.09
    assert round(math.fsum(cifar.mean[name] for name in CORRUPTIONS) / 15, 2) == 29.75


def test_what_an_older_version_kept_gets_its_number_of_images():
    """A shipped table that a run kept without it has that of today, whatever its numbers; one of another's has none."""
    digits, cifar = (load_normaliser(name) for name in ("digits-c-alexnet", "cifar10-c-alexnet-2020"))
    old = type(digits).from_dict(replace(digits, images=None).to_dict())
    assert with_images(old, 80) == digits
    assert with_images(replace(old, clean=8.0), 80) == replace(digits, clean=8.0)
    assert with_images(replace(old, source="mine"), 80).images is None
    assert with_images(cifar, 80) == cifar
    own = replace(old, name="measured:alexnet", model="alexnet")
    assert with_images(own, 80).images == 80


def test_a_list_of_means_has_no_sum_over_fewer_severities():
    """A normaliser that knows only severity means answers None for a subset, never a guess."""
    cifar = load_normaliser("cifar10-c-alexnet-2020")
    assert cifar.total("fog", SEVERITIES) == pytest.approx(5 * 30.31)
    assert cifar.total("fog", (1, 3, 5)) is None


def test_per_severity_errors_sum_over_any_severities_in_any_order():
    """The same severities of the normaliser are summed as were measured."""
    alexnet = load_normaliser("imagenet-c-alexnet")
    assert alexnet.total("fog", (5, 1)) == pytest.approx(67.474 + 94.500)
    assert alexnet.total("speckle_noise", SEVERITIES) is None


def test_default_normalisers_belong_to_their_data():
    """ImageNet-C and CIFAR-10-C have a published default; a subset of classes or another set has none."""
    assert default_normaliser("imagenet-c").name == "imagenet-c-alexnet"
    assert default_normaliser("cifar10-c").name == "cifar10-c-alexnet-2020"
    assert default_normaliser("imagenet100-c") is None
    assert default_normaliser("digits-c").name == "digits-c-alexnet"
    assert default_normaliser("tiny-imagenet-c") is None


@given(counted_tables(corruptions=("fog",)))
def test_a_file_of_one_model_normalises_as_the_model_itself(tmp_path_factory, table):
    """An errors.csv given as normaliser divides by the same numbers as the table it was written from."""
    path = tmp_path_factory.mktemp("normaliser") / "alexnet.csv"
    write_errors_csv(path, [table])
    assert load_normaliser(path).total("fog", SEVERITIES) == measured(table).total("fog", SEVERITIES)
    assert load_normaliser(path).clean == table.clean.error


TOML = """schema_version = 1
name = "mine"
description = "my AlexNet"
source = "me"
unit = "per cent"
clean = 12.5
[errors]
fog = [1, 2.0, 30, 4, 5]
[severity_means]
snow = 20.0
"""


def test_a_toml_file_is_a_normaliser(tmp_path):
    """The shipped files' format is the user's too: per severity for one corruption, a mean for another."""
    (tmp_path / "mine.toml").write_text(TOML)
    mine = load_normaliser(tmp_path / "mine.toml")
    assert (mine.name, mine.clean, mine.total("fog", (2, 3)), mine.total("snow", SEVERITIES)) == (
        "mine", 12.5, 32.0, 100.0,
    )  # fmt: skip


BAD_TOML = {
    "not TOML": ("[errors]", "[errors", "not valid TOML"),
    "another schema": ("schema_version = 1", "schema_version = 2", "expected schema_version to be 1, got 2"),
    "true for 1": (
        "schema_version = 1",
        "schema_version = true",
        "expected schema_version to be 1, got True",
    ),
    "1.0 for 1": ("schema_version = 1", "schema_version = 1.0", "expected schema_version to be 1, got 1.0"),
    "fractions by unit": ('"per cent"', '"fraction"', "expected unit to be 'per cent', got 'fraction'"),
    "no name": ('name = "mine"', "", "the field 'name' is missing"),
    "four severities": (
        "[1, 2.0, 30, 4, 5]",
        "[1, 2.0, 3, 4]",
        "expected errors.fog to be five numbers, got [1, 2.0, 3, 4]",
    ),
    "not a number": ("30", "nan", "expected errors.fog[2] to be a finite number, got nan"),
    "above 100": ("20.0", "120.0", "expected severity_means.snow to be at most 100, got 120.0"),
    "a truth value": ("20.0", "true", "expected severity_means.snow to be a number, got True"),
    "near miss": ("fog", "fogg", "unknown corruption 'fogg': did you mean 'fog'?"),
    "in both": ("snow", "fog", "got fog in both"),
    "clean as text": ("12.5", "'low'", "expected clean to be a number, got 'low'"),
    "no table": ("[errors]\nfog = [1, 2.0, 30, 4, 5]\n[severity_means]\nsnow = 20.0", "errors = 3", "got 3"),
    "nothing": ("[errors]\nfog = [1, 2.0, 30, 4, 5]\n[severity_means]\nsnow = 20.0", "", "got none"),
    "fractions": (
        "[1, 2.0, 30, 4, 5]\n[severity_means]\nsnow = 20.0",
        "[0, 0.1, 0.2, 0.3, 1.0]",
        "all at most 1",
    ),
}


@pytest.mark.parametrize("old, new, says", BAD_TOML.values(), ids=BAD_TOML.keys())
def test_a_bad_toml_file_is_refused_in_one_line(tmp_path, old, new, says):
    """Each thing wrong with a normaliser file is one line that names the file."""
    assert TOML.count(old) >= 1
    (tmp_path / "mine.toml").write_text(TOML.replace(old, new))
    with pytest.raises(InputError) as caught:
        load_normaliser(tmp_path / "mine.toml")
    assert says in str(caught.value)
    assert "mine.toml" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_unknown_name_suggests_the_near_miss_or_lists_what_there_is():
    """A mistyped normaliser is a helpful line, not a missing file."""
    with pytest.raises(
        InputError, match=r"unknown normaliser 'imagenet-alexnet': did you mean 'imagenet-c-alexnet'\?"
    ):
        load_normaliser("imagenet-alexnet")
    with pytest.raises(
        InputError,
        match="expected imagenet-c-alexnet, cifar10-c-alexnet-2020, digits-c-alexnet, measured, none",
    ):
        load_normaliser("zzz")
    assert NORMALISERS == ("imagenet-c-alexnet", "cifar10-c-alexnet-2020", "digits-c-alexnet")


def test_a_file_of_two_models_is_no_normaliser(tmp_path):
    """Which of two models to divide by is never guessed."""
    write_errors_csv(tmp_path / "two.csv", [stated(name, {"fog": [9.0] * 5}, 5.0) for name in ("a", "b")])
    with pytest.raises(InputError, match="expected the errors of one model as normaliser, got 2: a, b"):
        load_normaliser(tmp_path / "two.csv")


def test_measured_finds_the_alexnet_of_the_run_or_the_named_model():
    """`measured` is the one AlexNet of the run, `measured:MODEL` any model; `none` is no normaliser."""
    run = [stated(name, {"fog": [9.0] * 5}, 5.0) for name in ("resnet20", "alexnet-pp", "alexnet-digits")]
    assert choose_normaliser("measured", run).name == "measured:alexnet-digits"
    assert choose_normaliser("measured:resnet20", run).name == "measured:resnet20"
    assert choose_normaliser("imagenet-c-alexnet", run).name == "imagenet-c-alexnet"
    assert choose_normaliser("none", run) is None


@pytest.mark.parametrize(
    "name",
    [
        "alexnet",
        "AlexNet",
        "alexnet-digits",
        "alexnet (epoch-90)",
        "alexnet #2",
        "alexnet (best) #2",
        "torchvision:alexnet",
        "torchvision:alexnet@IMAGENET1K_V1",
    ],
)
def test_an_alexnet_is_known_by_its_name(name):
    """AlexNet is AlexNet under every name that a run gives it."""
    assert is_alexnet(name)


@pytest.mark.parametrize(
    "name",
    [
        "alexnet-pp",
        "alexnet-pp5",
        "alexnet-pp-fixed0.5",
        "alexnet-pp-digits",
        "alexnet-pp (best)",
        "alexnetv2",
        "my-alexnet",
        "net.py:alexnet",
        "resnet20",
        "",
    ],
)
def test_another_network_is_no_alexnet(name):
    """A network with another stem, or someone's own of the same name, is not what CE divides by."""
    assert not is_alexnet(name)


@pytest.mark.parametrize(
    "text, models, says",
    [
        (
            "measured",
            ("resnet20",),
            "got none among resnet20: add an alexnet, or name the model with measured:MODEL",
        ),
        ("measured", ("alexnet-pp",), "got none among alexnet-pp"),
        ("measured", ("alexnet-a", "alexnet-b"), "got 2 among alexnet-a, alexnet-b"),
        (
            "measured:resnet2",
            ("resnet20",),
            "unknown model to normalise by 'resnet2': did you mean 'resnet20'?",
        ),
    ],
)
def test_measured_without_its_model_is_refused(text, models, says):
    """Without an AlexNet in the run, or with two, the user is told how to name the model."""
    with pytest.raises(InputError) as caught:
        choose_normaliser(text, [stated(name, {"fog": [9.0] * 5}, 5.0) for name in models])
    assert says in str(caught.value)
