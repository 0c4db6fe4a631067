"""The grammar of `--corruptions` and `--severities`."""

import pytest

from ppbench.errors import InputError
from ppbench.evaluation.cells import CLEAN, CellId, parse_corruptions, parse_severities, plan
from ppbench.scoring.names import ALL, CORRUPTIONS


def test_the_default_is_the_fifteen_and_all_is_nineteen() -> None:
    """`benchmark` never holds the four extra corruptions; `all` holds every one."""
    assert parse_corruptions("benchmark") == CORRUPTIONS
    assert parse_corruptions("all") == ALL


def test_a_selection_is_in_benchmark_order_and_counts_each_once() -> None:
    """The order of the words and repetition make no difference."""
    assert parse_corruptions("fog,gaussian_noise, fog") == ("gaussian_noise", "fog")
    assert parse_corruptions(["digital", "contrast"]) == (
        "contrast",
        "elastic_transform",
        "pixelate",
        "jpeg_compression",
    )


def test_an_unknown_corruption_gets_its_near_miss() -> None:
    """A typing error is answered by the name it was meant to be."""
    with pytest.raises(InputError, match="unknown corruption 'gausian_noise': did you mean 'gaussian_noise'"):
        parse_corruptions("gausian_noise")


@pytest.mark.parametrize("empty", ["", ",", []])
def test_an_empty_selection_is_refused(empty: str | list[str]) -> None:
    """A run of no cells would print an empty table."""
    with pytest.raises(InputError, match="no corruption named: leave out --corruptions"):
        parse_corruptions(empty)


def test_severities_are_numbers_and_ranges() -> None:
    """Numbers, ranges and lists name the same severities, ascending, once."""
    assert parse_severities("1-5") == (1, 2, 3, 4, 5)
    assert parse_severities("5,1,3-4,4") == (1, 3, 4, 5)
    assert parse_severities([5, 1]) == (1, 5)


@pytest.mark.parametrize("bad", ["6", "0", "1-6", "five", "1.0", "-1", "+1", "", "4-2", "²"])
def test_other_severities_are_refused(bad: str) -> None:
    """Severity 0 is the clean row and is not asked for; 6 does not exist."""
    with pytest.raises(InputError, match=r"expected severities|no severity named"):
        parse_severities(bad)


def test_the_plan_puts_the_clean_row_first() -> None:
    """Each cell stands once, the clean row in front where there are clean images."""
    assert plan(("fog",), (1, 5), clean=True) == [CLEAN, CellId("fog", 1), CellId("fog", 5)]
    assert plan(("fog",), (1, 5), clean=False) == [CellId("fog", 1), CellId("fog", 5)]
