"""Published results: what stands on which scale."""

import re
from math import fsum
from pathlib import Path

import pytest

from ppbench.errors import InputError
from ppbench.scoring.formulas import r_net
from ppbench.scoring.names import CORRUPTIONS
from ppbench.scoring.normaliser import load_normaliser
from ppbench.scoring.references import REFERENCE_DATA, references

# The R_net column of the 2024 authors' README, in per cent.
R_NETS = {
    "ResNet-50 (push-pull baseline)": 0.00, "ResNet-50 PP3": 1.67, "ResNet-50 PP5": 2.79,
    "ResNet-50 AutoAugment (push-pull baseline)": 6.86, "ResNet-50 AutoAugment+PP3": 9.05,
    "ResNet-50 AugMix (push-pull baseline)": 10.14, "ResNet-50 AugMix+PP3": 10.97,
    "ResNet-50 PRIME (push-pull baseline)": 21.57, "ResNet-50 PRIME+PP3": 24.31,
}  # fmt: skip


def by_model(data):
    """The rows of a data set under their models' names."""
    return {row.model: row for row in references(data)}


@pytest.mark.parametrize("data", REFERENCE_DATA)
def test_every_row_has_a_name_of_its_own_a_source_and_a_scale(data):
    """A reader can tell which row is which, where it was read and what its number means."""
    rows = references(data)
    assert len({row.model for row in rows}) == len(rows) > 0
    for row in rows:
        assert row.data == data
        assert row.source
        assert row.scale in ("mean error", "mCE", "mean error and mCE")
        for value in (row.clean_error, row.mean_error, row.mce):
            assert value is None or 2 < value <= 100  # per cent, no fraction among them
        assert (row.mce is None) == (row.normaliser is None)


def test_the_push_pull_rows_of_2024_stand_under_mean_error_only():
    """The paper's “mCE 49.95 %” is a mean error here, and the row says what the paper calls it."""
    rows = [row for row in references("imagenet-c") if "pushpull-conv" in row.source]
    assert len(rows) == len(R_NETS)
    for row in rows:
        assert row.mce is None
        assert row.scale == "mean error"
        assert "call this number mCE" in row.source
    assert by_model("imagenet-c")["ResNet-50 PRIME+PP3"].mean_error == 49.95


@pytest.mark.parametrize("model", R_NETS)
def test_the_push_pull_rows_give_the_published_r_net(model):
    """Clean and mean error of each row reproduce the R_net that its authors print: none was mistyped."""
    rows = by_model("imagenet-c")
    base, row = rows["ResNet-50 (push-pull baseline)"], rows[model]
    net = r_net(row.clean_error, row.mean_error, base.clean_error, base.mean_error)
    assert net == pytest.approx(R_NETS[model], abs=0.2)  # all inputs are rounded to a tenth of a point


def test_alexnet_agrees_with_its_table():
    """AlexNet's row is the mean of the table that every CE is divided by."""
    row, table = by_model("imagenet-c")["AlexNet"], load_normaliser("imagenet-c-alexnet")
    mean = fsum(table.total(name, (1, 2, 3, 4, 5)) for name in CORRUPTIONS) / 75
    assert row.mean_error == pytest.approx(mean, abs=5e-5)
    assert (row.clean_error, row.mce, row.normaliser) == (table.clean, 100.0, table.name)


def test_every_mce_is_divided_by_a_normaliser_that_ships():
    """An mCE without a known divisor would be on no scale."""
    for data in REFERENCE_DATA:
        for row in references(data):
            assert row.normaliser is None or load_normaliser(row.normaliser).data == data


def test_a_mean_error_of_imagenet_c_fits_its_mce():
    """Where both are published, mean error over AlexNet's mean is near mCE, as it must be."""
    both = [row for row in references("imagenet-c") if row.mce is not None and row.mean_error is not None]
    assert len(both) > 5
    for row in both:
        assert 100 * row.mean_error / 78.8993 == pytest.approx(row.mce, abs=3)


def test_the_misprint_of_prime_is_corrected_and_said():
    """Its README prints 24.0 beside a corruption accuracy of 74.0."""
    row = by_model("cifar10-c")["ResNet-18"]
    assert row.mean_error == 26.0
    assert "24.0" in row.note


def test_means_over_19_corruptions_are_in_no_column():
    """The 2020 paper averages 19 corruptions: its printed means are notes, its mCE no mCE of ours."""
    rows = [row for row in references("cifar10-c") if "Push-Pull-CNN-layer" in row.source]
    assert len(rows) == 14
    for row in rows:
        printed = re.search(r"over 19 corruptions, mean error ([\d.]+)", row.note)
        assert row.mce is None
        assert abs(row.mean_error - float(printed[1])) > 0.01


@pytest.mark.parametrize("folder, model", [("resnet-20", "ResNet-20"), ("resnet-20-pp", "ResNet-20-PP2020")])
def test_the_mean_over_15_is_that_of_the_published_averages(folder, model, test_data: Path):
    """The mean error of the 2020 rows follows from the averages that the authors published."""
    text = (test_data / "pushpull-2020" / folder / "C_average.txt").read_text()
    averages = {name: float(value) for name, value in re.findall(r": (\w+) .*: ([\d.]+)", text)}
    mean = fsum(averages[name] for name in CORRUPTIONS) / 15
    assert by_model("cifar10-c")[model].mean_error == pytest.approx(mean, abs=0.006)


def test_an_unknown_data_set_is_refused_in_one_line():
    """A near miss is suggested; a data set without published results names those that have some."""
    with pytest.raises(InputError, match=r"unknown data set .*'imagenet': did you mean 'imagenet-c'\?"):
        references("imagenet")
    with pytest.raises(InputError, match="'digits-c'"):
        references("digits-c")
