"""Names of classes, as the data sets' authors give them."""

from pathlib import Path

import pytest

from ppbench.data import classes as lists
from ppbench.data.class_names import answer_name, class_ids, class_names
from ppbench.data.class_order import Classes
from ppbench.data.classes import class_list


@pytest.mark.parametrize(
    "data, classes, some",
    [
        ("digits-c", 10, {3: "3"}),
        ("cifar10-c", 10, {0: "airplane", 3: "cat", 9: "truck"}),
        ("cifar100-c", 100, {0: "apple", 13: "bus", 95: "whale", 99: "worm"}),
        ("imagenet-c", 1000, {0: "tench", 207: "golden retriever", 999: "toilet tissue"}),
        ("tiny-imagenet-c", 200, {0: "goldfish"}),
        ("folder-c", 3, {2: "class 2"}),
        ("cifar10-c", 4, {1: "class 1"}),
    ],
)
def test_labels_have_their_names(data, classes, some):
    """Label 0 comes first; a set of other classes than its name stands for has numbers."""
    names = class_names(data, classes)
    assert len(names) == len(set(names)) or data in ("imagenet-c", "tiny-imagenet-c")
    assert len(names) == classes
    assert {label: names[label] for label in some} == some


def test_a_line_of_a_list_is_a_class(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its name may have spaces, and letters that are not ASCII's."""
    (tmp_path / "land_of_a_test.txt").write_text("Annual Crop\nForêt\n", encoding="utf-8")
    monkeypatch.setattr(lists, "__file__", str(tmp_path / "__init__.py"))
    assert lists.class_list("land_of_a_test") == ("Annual Crop", "Forêt")


def test_classes_are_known_by_their_folders_or_by_the_list_of_the_set() -> None:
    """Where labels come from an .npz, a set of ImageNet's classes has WordNet ids all the same."""
    wnids = class_list("imagenet100")
    assert class_ids("imagenet100-c", 100) == wnids
    assert class_ids("folder-c", 2, Classes(("n01514668", "n01518878"), "text")) == ("n01514668", "n01518878")
    assert class_ids("cifar10-c", 10) == class_list("cifar10")
    assert class_ids("digits-c", 10) is None
    assert class_ids("imagenet100-c", 7) is None


def test_an_answer_has_a_name_even_where_it_is_no_class() -> None:
    """Below 0 it was not finite; from the number of classes on it is an output beside them."""
    names = ["cat", "dog"]
    assert [answer_name(names, answer) for answer in (0, 1, -1, 2, 819)] == [
        "cat", "dog", "not finite", "output 0, no class here", "output 817, no class here"
    ]  # fmt: skip
