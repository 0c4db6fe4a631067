"""Clean images are decoded once, and what is kept of them is what was decoded."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ppbench.data.decoded import Decoder
from ppbench.data.image_files import Geometry, ImageFiles
from ppbench.data.image_set import ImageSet
from ppbench.errors import InputError

COUNT = 30


@pytest.fixture
def clean(tmp_path: Path) -> ImageSet:
    """Photographs, as it were, of different sizes in JPEG files."""
    random = np.random.default_rng(0)
    names = []
    (tmp_path / "files").mkdir()
    for k in range(COUNT):
        side = int(random.integers(40, 60))
        Image.fromarray(random.integers(0, 256, (side, side + 7, 3), np.uint8)).save(
            tmp_path / "files" / f"{k}.jpg"
        )
        names.append(f"{k}.jpg")
    labels = np.arange(COUNT) % 3
    return ImageSet(
        "made", ImageFiles(tmp_path / "files", names, Geometry(32, 36)), labels, np.arange(COUNT), 3
    )


@pytest.mark.parametrize("in_memory", [10**9, 0], ids=["in memory", "in a file"])
@pytest.mark.parametrize("rows", [None, [3, 29, 7]], ids=["all", "some"])
def test_every_image_is_what_its_file_says(
    clean: ImageSet, tmp_path: Path, in_memory: int, rows: list[int] | None
) -> None:
    """Kept in memory or in a file, all of a set or a subset in its order."""
    wanted = clean if rows is None else clean.take(np.array(rows))
    found = Decoder(in_memory, tmp_path / "cache")(wanted)
    np.testing.assert_array_equal(found[:], np.asarray(wanted.images[:]))
    assert isinstance(found, np.memmap) == (in_memory == 0)


def test_a_file_is_decoded_once_for_ever(
    clean: ImageSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next process reads the pixels; only a few are decoded again, to see that they are still there."""
    decoder = Decoder(0, tmp_path / "cache")
    first = np.array(decoder(clean)[:])
    decoded: list[Path] = []
    from ppbench.data import image_files

    real = image_files.read_image
    monkeypatch.setattr(
        image_files, "read_image", lambda path, geometry: (decoded.append(path), real(path, geometry))[1]
    )
    np.testing.assert_array_equal(decoder(clean)[:], first)
    assert 0 < len(decoded) <= 8
    assert len(list((tmp_path / "cache").iterdir())) == 1


def test_a_changed_file_is_decoded_again(clean: ImageSet, tmp_path: Path) -> None:
    """The name of what is kept stands for the content of every file."""
    decoder = Decoder(0, tmp_path / "cache")
    decoder(clean)
    Image.new("RGB", (50, 50), (200, 10, 10)).save(tmp_path / "files" / "4.jpg")
    again = ImageSet(clean.name, clean.images, clean.labels, clean.ids, clean.num_classes)
    assert abs(int(decoder(again)[4][0, 0, 0]) - 200) < 6


@pytest.mark.parametrize("damage", ["cut", "zeros", "empty"])
def test_what_a_crash_left_is_made_again(clean: ImageSet, tmp_path: Path, damage: str) -> None:
    """A cut file, one of zeros (as some file systems leave) and an empty one are noticed."""
    decoder = Decoder(0, tmp_path / "cache")
    right = np.array(decoder(clean)[:])
    path = next((tmp_path / "cache").iterdir())
    content = path.read_bytes()
    path.write_bytes(
        {"cut": content[:5000], "zeros": content[:128] + bytes(len(content) - 128), "empty": b""}[damage]
    )
    np.testing.assert_array_equal(decoder(clean)[:], right)


def test_no_room_is_one_line(clean: ImageSet, tmp_path: Path) -> None:
    """The line says how much room is needed, and which option names another place."""
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=r"no room for .* GB of decoded images .*--cache"):
        Decoder(0, tmp_path / "file" / "cache")(clean)


def test_arrays_are_left_as_they_are(clean: ImageSet) -> None:
    """What is in memory already is not copied."""
    pixels = np.asarray(clean.images[:])
    in_memory = ImageSet("made", pixels, clean.labels, clean.ids, 3)
    assert Decoder()(in_memory) is pixels
