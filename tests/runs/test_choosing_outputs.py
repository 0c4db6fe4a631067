"""Which outputs are the data's classes: what is decided, and what is refused, in one line each."""

from pathlib import Path

import pytest

from ppbench.data.classes import class_list
from ppbench.errors import InputError
from ppbench.models.output_choice import ClassList
from ppbench.runs.choosing_outputs import DataClasses, NetworkOutputs, choose
from ppbench.runs.output_wish import OutputWish, read_wish

IMAGENET = class_list("imagenet")
BIRDS = DataClasses("folder-c", 3, ("n01531178", "n01518878", "n01514668"))  # goldfinch, ostrich, cock
PETS = DataClasses("folder-c", 2, ("cat", "dog"))
THOUSAND = NetworkOutputs("net", 1000)

NOTHING_SAID = OutputWish()


def _indices(
    outputs: int | NetworkOutputs, classes: DataClasses, wish: OutputWish = NOTHING_SAID
) -> tuple[int, ...]:
    network = outputs if isinstance(outputs, NetworkOutputs) else NetworkOutputs("net", outputs)
    choice = choose(network, classes, wish)
    assert choice is not None
    return choice.indices


def _file(folder: Path, lines: object) -> OutputWish:
    path = folder / "outputs.txt"
    path.write_text("\n".join(map(str, lines)) + "\n", encoding="utf-8")  # type: ignore[call-overload]
    return read_wish(path)


@pytest.mark.parametrize("name", ["imagenet100", "tiny-imagenet"])
def test_a_thousand_outputs_are_imagenets_classes(name: str) -> None:
    """The outputs of a set of ImageNet's classes are their places in the list of all."""
    wnids = class_list(name)
    found = _indices(1000, DataClasses("set", len(wnids), wnids))
    assert [IMAGENET[index] for index in found] == list(wnids)


def test_the_order_of_the_labels_is_that_of_the_data() -> None:
    """A user's list of class folders in any order finds the same classes."""
    assert _indices(1000, BIRDS) == (11, 9, 7)


def test_a_network_with_an_output_a_class_has_nothing_to_choose() -> None:
    """Whatever the words say."""
    for word in ("subset", "all"):
        assert choose(NetworkOutputs("net", 2), PETS, read_wish(word)) is None


def test_the_networks_own_names_go_before_imagenets_order() -> None:
    """They say what is what, for sets without WordNet ids, too."""
    own = ClassList(("dog", "fish", "cat"), "its file's list")
    assert _indices(NetworkOutputs("net", 3, own), PETS) == (2, 0)
    turned = ClassList(tuple(reversed(IMAGENET)), "its file's list")
    assert _indices(NetworkOutputs("net", 1000, turned), BIRDS) == (988, 990, 992)


def test_a_background_class_is_there_if_it_is_said() -> None:
    """1,001 outputs are ImageNet's after a first one, and one more than the classes are these after it."""
    wish = read_wish("background-first")
    assert _indices(1001, BIRDS, wish) == (12, 10, 8)
    assert _indices(3, PETS, wish) == (1, 2)
    both = choose(NetworkOutputs("net", 1001), BIRDS, read_wish("all:background-first"))
    assert both is not None
    assert (both.kind, both.indices, str(both)) == ("all", (12, 10, 8), "all 1001")
    assert "output 0 is background" in both.by


def test_a_file_of_indices(tmp_path: Path) -> None:
    """A line for each class, label 0 first; from Python a list does, and all: takes it for all outputs."""
    assert _indices(21843, BIRDS, _file(tmp_path, [20000, 3, 17])) == (20000, 3, 17)
    assert _indices(5, PETS, read_wish([4, 0])) == (4, 0)
    found = choose(NetworkOutputs("net", 5), PETS, read_wish(f"all:{_named(tmp_path, '4', '0')}"))
    assert found is not None
    assert (found.kind, found.indices) == ("all", (4, 0))


def _named(folder: Path, *lines: str) -> Path:
    path = folder / "lines.txt"
    path.write_text(
        "\ufeff" + "\r\n".join(lines) + "\r\n\r\n", encoding="utf-8"
    )  # as an editor of Windows has it
    return path


def test_a_file_of_names(tmp_path: Path) -> None:
    """A line for each output: WordNet ids, words after them left aside; or words, the first of several."""
    ids = ["background", *IMAGENET]
    ids[0] = "n00000000"
    assert _indices(1001, BIRDS, _file(tmp_path, ids)) == (12, 10, 8)
    assert _indices(1001, BIRDS, _file(tmp_path, [f"{each} some word, others" for each in ids])) == (
        12,
        10,
        8,
    )
    words = [f"thing {k}" for k in range(1001)]
    words[5], words[900], words[44] = "Cock", "ostrich, Struthio camelus", "goldfinch"
    assert _indices(1001, BIRDS, _file(tmp_path, words)) == (44, 900, 5)
    assert _indices(3, PETS, _file(tmp_path, ["Dog", "a fish", "cat"])) == (2, 0)


CRANE = DataClasses("folder-c", 1, ("n02012849",))


@pytest.mark.parametrize(
    ("network", "classes", "lines", "message"),
    [
        (1001, BIRDS, None, "got 1001: if output 0 is a background class, pass --outputs background-first"),
        (21843, BIRDS, None, "got 21843: what these outputs are is not known: --outputs FILE"),
        (1000, PETS, None, "expected 2 classes, as folder-c has, got 1000: its classes have no WordNet ids"),
        (
            1000,
            DataClasses("folder-c", 2, ("n01514668", "n99999999")),
            None,
            "n99999999 is none of ImageNet's 1,000 classes",
        ),
        (1000, BIRDS, ["1", "2"], "expected the index of an output for each of the 3 classes .*, got 2 lines"),
        (1000, BIRDS, ["1", "2", "1"], "output 1 is in line 1 and in line 3"),
        (1000, BIRDS, ["1", "1000", "2"], "expected outputs from 0 to 999, as net has, got 1000 in line 2"),
        (1000, BIRDS, ["1", "2", "three"], "expected a name for each of the 1000 outputs .*, such as 'three'"),
        (1000, BIRDS, ["1", "-2", "3"], "got 3 lines, such as '-2'"),
        (4, PETS, ["cat", "dog", "dog", "x"], "outputs 1 and 2 are called 'dog', which is class 1"),
        (4, PETS, ["cat", "dogs", "ox", "x"], "no output is called 'dog', which is class 1"),
        (2, CRANE, ["crane", "crane"], r"no output is called 'crane bird' \(n02012849\), which is class 0"),
        (2, CRANE, ["crane bird", "Crane_bird"], r"outputs 0 and 1 are called 'crane bird' .*: name .* WordNet ids"),
        (4, BIRDS, ["n01531178", "n01518878", "n1", "n2"], r"no output is called 'goldfinch' \(n01531178\)"),
        (4, PETS, ["n01531178", "n01518878", "n01514668", "n01440764"], "no output is called 'cat', which is class 0"),
        (4, DataClasses("mine", 2, None), ["a", "b", "c", "d"], "nothing says what the classes of mine are called"),
    ],
)  # fmt: skip
def test_what_is_not_certain_is_refused(
    network: int, classes: DataClasses, lines: list[str] | None, message: str, tmp_path: Path
) -> None:
    """In one line that says what to do, and never by taking the outputs as they come."""
    wish = OutputWish() if lines is None else _file(tmp_path, lines)
    with pytest.raises(InputError, match=message) as refused:
        choose(NetworkOutputs("net", network), classes, wish)
    assert "\n" not in str(refused.value)
    assert ("outputs.txt" in str(refused.value)) == (lines is not None)


def test_a_background_needs_its_output() -> None:
    """Where the numbers do not fit, nothing is shifted."""
    with pytest.raises(InputError, match="background-first is for 4 or 1001 outputs"):
        choose(THOUSAND, BIRDS, read_wish("background-first"))


def test_names_of_its_own_that_lack_a_class_are_refused() -> None:
    """A larger ImageNet may be without one of the thousand."""
    larger = ClassList(("n01531178", "n01518878", "n00000001", "n00000002"), "timm's list")
    with pytest.raises(InputError, match="in timm's list no output is called 'n01514668', which is class 2"):
        choose(NetworkOutputs("net", 4, larger), BIRDS, OutputWish())


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "no such file or directory: --outputs takes subset, all, background-first, or a file"),
        (b"", "no lines"),
        (b"1\n\n2\n", "line 2 is empty"),
        (b"\xff\xfe\x00", "not in UTF-8"),
    ],
)
def test_a_file_that_says_nothing_is_refused(content: bytes | None, message: str, tmp_path: Path) -> None:
    """Before torch is loaded; the line names the file."""
    path = tmp_path / "classes.txt"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match=message) as refused:
        read_wish(path)
    assert str(refused.value).startswith(str(path))
