"""Which class folder has which label: certain, or asked for."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from torchvision.datasets import ImageFolder

from ppbench.data.class_names import class_names
from ppbench.data.class_order import ANY, Classes, read_order, sorted_classes
from ppbench.data.classes import class_list
from ppbench.data.sets import open_data
from ppbench.data.training_sets import open_training
from ppbench.errors import InputError
from tests.data.cifar_folders import images_of, labels_of

NUMBERS = [str(k) for k in range(11)]
AS_TEXT = ["0", "1", "10", "2", "3", "4", "5", "6", "7", "8", "9"]


def _folders(root: Path, names: list[str], size: int = 16) -> Path:
    """One image in each folder, as dark as the folder's place in the list."""
    for k, name in enumerate(names):
        (root / name).mkdir(parents=True)
        Image.new("RGB", (size, size), (k, k, k)).save(root / name / "0.png")
    return root


def _shown(root: Path, **options: object) -> list[int]:
    """The label of each folder, in the order of the list that made them."""
    source = open_data("folder-c", root=root, **options)  # type: ignore[arg-type]  # options of open_data
    assert source.clean is not None
    darkness = source.clean.images[:][:, 0, 0, 0].tolist()
    return [label for _, label in sorted(zip(darkness, source.labels.tolist(), strict=True))]


@pytest.mark.parametrize(
    "names, label, text, number",
    [
        (NUMBERS, 2, "10", "2"),
        (["class_1", "class_2", "class_10"], 1, "class_10", "class_2"),
        (["a9z", "a10a", "b"], 0, "a10a", "a9z"),
    ],
)
def test_two_orders_are_refused(names: list[str], label: int, text: str, number: str, tmp_path: Path) -> None:
    """The line says where they part, who sorts how, and all three ways to settle it."""
    with pytest.raises(InputError, match="the order of the class folders is not clear") as caught:
        open_data("folder-c", root=_folders(tmp_path, names))
    told = str(caught.value)
    assert (
        f"label {label} is {text!r} as text (torchvision's ImageFolder, Keras) and {number!r} by number (timm)"
        in told
    )
    for way in ("--classes text", "--classes numbers", "--classes FILE"):
        assert way in told
    assert "\n" not in told


@pytest.mark.parametrize(
    "names",
    [
        ["cat", "dog", "owl"],
        ["0", "1", "2"],
        ["00", "01", "02", "10"],
        ["n01440764", "n01443537", "n15075141"],
        ["class 1", "class 2", "plain"],
    ],
)
def test_one_order_is_taken(names: list[str], tmp_path: Path) -> None:
    """Where text and numbers agree there is nothing to ask, and the labels are ImageFolder's."""
    assert _shown(_folders(tmp_path, names)) == list(range(len(names)))
    assert ImageFolder(str(tmp_path)).classes == names


def test_text_is_torchvisions_order_and_numbers_timms(tmp_path: Path) -> None:
    """`--classes text` gives ImageFolder's labels, `--classes numbers` those of timm's reader."""
    _folders(tmp_path, NUMBERS)
    assert _shown(tmp_path, classes="numbers") == list(range(11))
    theirs = ImageFolder(str(tmp_path)).class_to_idx
    assert _shown(tmp_path, classes="text") == [theirs[name] for name in NUMBERS]
    timm = pytest.importorskip("timm.utils.misc")
    for names in (NUMBERS, ["class_2", "class_10", "class_1"], ["a-b", "a1", "a", "1a", "10"]):
        ours = sorted_classes(tmp_path, names, read_order("numbers")).names
        assert list(ours) == sorted(names, key=timm.natural_key)


def test_a_file_says_which_label_is_whose(tmp_path: Path) -> None:
    """A folder's name a line, label 0 first, as any editor saves it; a list from Python is the same."""
    _folders(tmp_path / "set", NUMBERS)
    wanted = list(reversed(NUMBERS))
    file = tmp_path / "classes.txt"
    for content in ("\n".join(wanted), "\ufeff" + "\r\n".join(wanted) + "\r\n\r\n"):
        file.write_text(content, encoding="utf-8", newline="")
        for given in (file, str(file), wanted):
            assert _shown(tmp_path / "set", classes=given) == list(range(10, -1, -1))


def test_folders_and_lines_that_do_not_meet_are_said(tmp_path: Path) -> None:
    """A class without a folder keeps its label; a folder without a line is passed over."""
    _folders(tmp_path / "set", ["cat", "dog", "owl"])
    source = open_data("folder-c", root=tmp_path / "set", classes=["owl", "newt", "dog"])
    assert source.num_classes == 3
    assert source.labels.tolist() == [2, 0]
    dropped, passed, _enlarged, missing = source.notes
    assert dropped.startswith("1 of the 3 folders in ")
    assert dropped.endswith(" is not among the 3 classes and passed over, such as cat")
    assert "classes of the list without a folder: 1 (such as newt)" in passed
    assert missing.startswith("images of 2 of the 3 classes only")
    with pytest.raises(InputError, match="class folders such as Cat/, got a folder with cat"):
        open_data("folder-c", root=tmp_path / "set", classes=["Cat", "Dog"])


@pytest.mark.parametrize(
    "content, message",
    [
        (b"", "the list of classes is empty"),
        (b"cat\n\ndog\n", "line 2 is empty"),
        (b"cat\ndog\ncat\n", "the class folder 'cat' is listed twice"),
        (b"c\xe4t\n", "not in UTF-8"),
        (None, "no such file.*: --classes takes text, numbers, or a file"),
    ],
)
def test_a_file_that_says_nothing_clear_is_one_line(
    content: bytes | None, message: str, tmp_path: Path
) -> None:
    """It names the file and what is wrong with it."""
    _folders(tmp_path / "set", ["cat", "dog"])
    file = tmp_path / "classes.txt"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(InputError, match=message) as caught:
        open_data("folder-c", root=tmp_path / "set", classes=file)
    assert "\n" not in str(caught.value)


def test_capitals_are_said(tmp_path: Path) -> None:
    """Torchvision sorts capitals first, timm does not: a note, as most networks know the first order."""
    source = open_data("folder-c", root=_folders(tmp_path, ["Birman", "Sphynx", "beagle"]))
    assert source.labels.tolist() == [0, 1, 2]
    note, _enlarged = source.notes
    assert note.startswith("labels by folder order: Birman=0, Sphynx=1, beagle=2, capitals first")
    assert "--classes numbers" in note
    as_timm = open_data("folder-c", root=tmp_path, classes="numbers")
    assert as_timm.classes is not None
    assert as_timm.classes.names == ("beagle", "Birman", "Sphynx")
    assert not any("capitals first" in each for each in as_timm.notes)


def test_digits_of_other_scripts_are_letters(tmp_path: Path) -> None:
    """`²` is a digit to Python and no number: it sorts as text does."""
    source = open_data("folder-c", root=_folders(tmp_path, ["a²", "a٣", "b"]))
    assert source.labels.tolist() == [0, 1, 2]


def test_a_known_list_may_be_put_in_another_order(tmp_path: Path) -> None:
    """A network of the same classes in an order of its own; other classes are another set's."""
    wnids = class_list("imagenet100")
    _folders(tmp_path, [wnids[0], wnids[7]])
    assert open_data("imagenet100-c", root=tmp_path).labels.tolist() == [0, 7]
    source = open_data("imagenet100-c", root=tmp_path, classes=list(reversed(wnids)))
    assert source.labels.tolist() == [99, 92]
    known = class_names("imagenet100-c", 100)
    assert list(class_names("imagenet100-c", 100, source.classes)) == list(reversed(known))
    with pytest.raises(
        InputError, match=r"expected its 100 classes in --classes, got 2: .*folder-c takes classes"
    ):
        open_data("imagenet100-c", root=tmp_path, classes=[wnids[0], "cat"])
    with pytest.raises(InputError, match="leave out --classes text, or name a file"):
        open_data("imagenet100-c", root=tmp_path, classes="text")


def test_cifars_folders_are_named_or_numbered(tmp_path: Path) -> None:
    """Numbers that sort two ways are asked for; names have an order of their own."""
    _folders(tmp_path / "numbers", [str(k) for k in range(100)], size=32)
    with pytest.raises(InputError, match="label 2 is '10' as text"):
        open_data("cifar100-c", root=tmp_path / "numbers")
    for classes in ("numbers", [str(k) for k in range(100)]):
        source = open_data("cifar100-c", root=tmp_path / "numbers", classes=classes)
        assert source.clean is not None
        assert source.clean.images[:][:, 0, 0, 0].tolist() == source.labels.tolist()
    names = list(class_list("cifar10"))
    _folders(tmp_path / "names", names, size=32)
    with pytest.raises(InputError, match="class folders such as airplane is known: leave out --classes text"):
        open_data("cifar10-c", root=tmp_path / "names", classes="text")
    mine = open_data("cifar10-c", root=tmp_path / "names", classes=names[::-1])
    assert mine.labels.tolist() == list(range(9, -1, -1))
    assert list(class_names("cifar10-c", 10, mine.classes)) == names[::-1]


def test_labels_in_files_have_no_class_folders(tmp_path: Path) -> None:
    """`--classes` could have no effect there."""
    np.savez(tmp_path / "set.npz", images=images_of(4), labels=labels_of(4))
    for name, root in (("cifar10-c", tmp_path / "set.npz"), ("digits-c", None)):
        with pytest.raises(InputError, match=": leave out --classes"):
            open_data(name, root=root, classes=class_list("cifar10"))


@pytest.mark.parametrize("name", ["digits-c", "cifar10-c", "folder-c", "imagenet100-c"])
def test_any_order_will_do_where_nobody_asks_for_labels(name: str, tmp_path: Path) -> None:
    """A preview, and the images of a report: whatever the set, nothing is refused."""
    np.savez(tmp_path / "set.npz", images=images_of(4), labels=labels_of(4))
    _folders(tmp_path / "set", [*NUMBERS, class_list("imagenet100")[3]])
    root = {"digits-c": None, "cifar10-c": tmp_path / "set.npz"}.get(name, tmp_path / "set")
    counts = {"digits-c": 500, "cifar10-c": 4, "folder-c": 12, "imagenet100-c": 1}
    assert len(open_data(name, root=root, classes=ANY).labels) == counts[name]


def test_training_asks_as_evaluating_does(tmp_path: Path) -> None:
    """A network that was trained in one order is evaluated in the same."""
    for part in ("train", "val"):
        _folders(tmp_path / part, NUMBERS, size=224)
    with pytest.raises(InputError, match=r"train: the order of the class folders is not clear"):
        open_training("folder-c", root=tmp_path)
    for classes, order in (("numbers", NUMBERS), ("text", AS_TEXT)):
        for images in open_training("folder-c", root=tmp_path, classes=classes):
            labels = dict(zip(images.images[:][:, 0, 0, 0].tolist(), images.labels.tolist(), strict=True))
            assert [labels[k] for k in range(11)] == [order.index(name) for name in NUMBERS]


def test_classes_are_told_in_words() -> None:
    """The first ten are spelt out."""
    assert str(Classes(tuple(NUMBERS), "numbers")) == (
        "labels by number order: 0=0, 1=1, 2=2, 3=3, 4=4, 5=5, 6=6, 7=7, 8=8, 9=9, …"
    )
    assert str(Classes(("owl", "cat"), "file")) == "labels by your list: owl=0, cat=1"


def test_a_digest_is_of_the_names_in_their_order() -> None:
    """Whatever decided the order."""
    folders = Classes(("cat", "dog"), "text")
    assert Classes(("cat", "dog"), "known").digest == folders.digest
    assert Classes(("dog", "cat"), "known").digest != folders.digest
