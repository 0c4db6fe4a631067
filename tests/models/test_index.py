from pathlib import Path

import pytest

from ppbench.errors import InputError
from ppbench.models.index import find, read_index, shipped_index
from ppbench.models.registry import architecture

ENTRY = """
[[checkpoint]]
id = "a"
architecture = "resnet20"
data = "digits-c"
file = "a.safetensors"
sha256 = "00"
num_classes = 10
image_size = 32
clean_error = 4.5
input = { mean = [0.5, 0.5, 0.5], std = [0.2, 0.2, 0.2] }
"""


def index(folder: Path, text: str) -> Path:
    """An index file."""
    (folder / "index.toml").write_text(text)
    return folder / "index.toml"


def test_an_entry(tmp_path: Path) -> None:
    """An entry comes back with its input contract, whose size is the images'."""
    (entry,) = read_index(index(tmp_path, ENTRY))
    assert (entry.id, entry.spec.size, entry.spec.mean, entry.clean_error) == ("a", 32, (0.5, 0.5, 0.5), 4.5)
    assert entry.path == tmp_path / entry.file  # beside its index, wherever that is
    assert not entry.shipped


def test_find(tmp_path: Path) -> None:
    """An id finds its entry; an architecture finds the entry for the data set, and only for it."""
    other = ENTRY.replace('"a"', '"b"').replace("digits-c", "cifar10-c")
    entries = read_index(index(tmp_path, ENTRY + other))
    assert [find(entries, name, data) for name, data in (("b", None), ("resnet20", "cifar10-c"))] == [
        entries[1]
    ] * 2
    assert find(entries, "resnet20", "digits-c") == entries[0]
    assert find(entries, "resnet20", None) is None
    assert find(entries, "resnet20", "imagenet-c") is None


def test_an_entry_that_only_its_id_finds(tmp_path: Path) -> None:
    """Weights of an unusual training do not stand for their architecture; another entry may."""
    other = ENTRY.replace('"a"', '"b"')
    entries = read_index(index(tmp_path, ENTRY.replace("image_size", "named_only = true\nimage_size")))
    assert find(entries, "a", "digits-c") == entries[0]
    assert find(entries, "resnet20", "digits-c") is None
    entries = read_index(
        index(tmp_path, ENTRY.replace("image_size", "named_only = true\nimage_size") + other)
    )
    assert find(entries, "resnet20", "digits-c") == entries[1]


@pytest.mark.parametrize(
    "old, new, words",
    [
        ('id = "a"', "", "the field 'id' is missing"),
        (
            "num_classes = 10",
            'num_classes = "10"',
            "checkpoint 'a': expected num_classes to be a whole number, got '10'",
        ),
        ("clean_error = 4.5", 'clean_error = "low"', "expected clean_error to be a number, got 'low'"),
        ("clean_error = 4.5", "error = 4.5", "unknown field 'error': did you mean 'clean_error'"),
        (
            "std = [0.2, 0.2, 0.2]",
            "std = [0.2, 0.2]",
            "checkpoint 'a': expected spec.std to be three numbers",
        ),
        ("[[checkpoint]]", "[checkpoint]", r"write \[\[checkpoint\]\] above each"),
        ("[[checkpoint]]", "[[checkpoint", "cannot be read as an index of checkpoints"),
    ],
)
def test_mistakes(old: str, new: str, words: str, tmp_path: Path) -> None:
    """A mistake in the index is one line that names the file, the entry and the field."""
    path = index(tmp_path, ENTRY.replace(old, new))
    with pytest.raises(InputError, match=words) as caught:
        read_index(path)
    assert str(caught.value).startswith(str(path))


def test_ids_are_unique(tmp_path: Path) -> None:
    """Two entries cannot have one id."""
    with pytest.raises(InputError, match="the id 'a' is there twice"):
        read_index(index(tmp_path, ENTRY + ENTRY))


def test_the_shipped_index() -> None:
    """Every entry has a known architecture and a whole hash; the eight published ones are there."""
    entries = shipped_index()
    for entry in entries:
        assert architecture(entry.architecture).name == entry.architecture
        assert len(entry.sha256) == 64
        assert entry.id != entry.architecture
    published = [entry for entry in entries if entry.url and "c340f32" in entry.url]
    assert len({entry.sha256 for entry in published}) == 8
