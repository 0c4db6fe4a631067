"""-C sets in Parquet files and WebDataset shards: the pixels, labels and cells are those of what was packed."""

import io
import pickle
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from ppbench.data.cell_names import Said, of_fields, of_path
from ppbench.data.classes import class_list
from ppbench.data.finding import corruptions_there
from ppbench.data.label_names import label_map
from ppbench.data.registry import data_set
from ppbench.data.sets import open_data
from ppbench.errors import InputError
from tests.data.packed_sets import image_rows, picture, pixels_of, samples, write_parquet, write_tar

LABELS = [3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8]
CIFAR = class_list("cifar10")
CELLS = [("fog", 1), ("fog", 2), ("snow", 1), ("snow", 2)]
ASKED = {"corruptions": ["fog", "snow"], "severities": [1, 2]}


def _pixels(cell: tuple[str, int]) -> np.ndarray:
    return pixels_of(len(LABELS), seed=CELLS.index(cell))


@pytest.fixture(autouse=True)
def nowhere(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """No data of the machine's own are found."""
    empty = tmp_path_factory.mktemp("nothing")
    monkeypatch.setenv("PPBENCH_DATA", str(empty))
    monkeypatch.chdir(empty)


def _one_split(root: Path) -> Path:
    """Write all cells into one split, cells in columns, over two files: as robro/cifar10-c-parquet is."""
    rows = [
        row
        for name, severity in CELLS
        for row in image_rows(
            _pixels((name, severity)), LABELS, names=False, corruption_name=name, corruption_level=severity
        )
    ]
    write_parquet(root / "data" / "train-00000-of-00002.parquet", rows[:20])
    write_parquet(root / "data" / "train-00001-of-00002.parquet", rows[20:])
    return root


def _configurations(root: Path) -> Path:
    for name, severity in CELLS:
        rows = image_rows(_pixels((name, severity)), LABELS)
        write_parquet(root / f"{name}_{severity}" / "test-00000-of-00001.parquet", rows, names=CIFAR)
    return root


def _splits(root: Path) -> Path:
    for name, severity in CELLS:
        rows = image_rows(_pixels((name, severity)), LABELS, column="img")
        write_parquet(root / name / f"severity_{severity}-00000-of-00001.parquet", rows, names=CIFAR)
    return root


def _webdataset(root: Path) -> Path:
    (root / "classnames.txt").parent.mkdir(parents=True)
    (root / "classnames.txt").write_text("\n".join(CIFAR))
    for name, severity in CELLS:
        pixels, place = _pixels((name, severity)), root / name / str(severity) / "test"
        write_tar(place / "0.tar", samples(pixels[:5], LABELS[:5]))
        write_tar(place / "1.tar", samples(pixels[5:], LABELS[5:], first=5))
    return root


def _tree_in_tars(root: Path) -> Path:
    """Write the class folders of the cells into one tar, as the authors' archives have them."""
    files = {
        f"weather/{name}/{severity}/{CIFAR[label]}/{number}.png": picture(pixels)
        for name, severity in CELLS
        for number, (label, pixels) in enumerate(zip(LABELS, _pixels((name, severity)), strict=True))
    }
    write_tar(root / "weather.tar", files)
    return root


LAYOUTS = [_one_split, _configurations, _splits, _webdataset, _tree_in_tars]


@pytest.mark.parametrize("write", LAYOUTS)
def test_every_layout_has_the_cells_that_were_packed(write, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    """Pixels and labels of each cell, in the same order in all of them, also in another process."""
    source = open_data("cifar10-c", root=write(tmp_path / "set"), **ASKED)
    assert (source.source, source.full_size, source.num_classes) == ("published", len(LABELS), 10)
    assert source.labels.tolist() == LABELS
    assert source.published.layout == (
        "webdataset" if "tar" in write.__name__ or "web" in write.__name__ else "parquet"
    )
    elsewhere = pickle.loads(pickle.dumps(source))  # noqa: S301  as an engine sends it to its workers
    for cell in CELLS:
        np.testing.assert_array_equal(source.cell(*cell).images[:], _pixels(cell))
        np.testing.assert_array_equal(elsewhere.cell(*cell).images[np.array([7, 2])], _pixels(cell)[[7, 2]])
    few = open_data("cifar10-c", root=tmp_path / "set", limit=5, **ASKED)
    np.testing.assert_array_equal(few.cell("snow", 2).images[:], _pixels(("snow", 2))[few.ids])
    assert list(corruptions_there(data_set("cifar10-c"), tmp_path / "set")) == ["fog", "snow"]


def test_numbers_without_names_are_noted(tmp_path: Path) -> None:
    """Nothing proves labels without names, nor pairs images without names: every table says so."""
    *notes, last = open_data("cifar10-c", root=_one_split(tmp_path / "set"), **ASKED).notes
    assert [note.partition(" in ")[0] for note in notes] == ["the labels", "the images"]
    (only,) = open_data("cifar10-c", root=_configurations(tmp_path / "named"), **ASKED).notes
    assert last.startswith("no clean error")
    assert only.startswith("no clean error")


def test_images_are_paired_by_their_names(tmp_path: Path) -> None:
    """A cell whose rows are shuffled is put in order by the names of the images; without names it is refused."""
    order = np.random.default_rng(3).permutation(len(LABELS))
    for names, root in ((True, tmp_path / "named"), (False, tmp_path / "not")):
        for cell, shuffled in ((("fog", 1), False), (("snow", 1), True)):
            rows = image_rows(_pixels(cell), LABELS, names=names)
            rows = [rows[k] for k in order] if shuffled else rows
            write_parquet(root / cell[0] / "1" / "test.parquet", rows, names=CIFAR)
    source = open_data("cifar10-c", root=tmp_path / "named", corruptions=["fog", "snow"], severities=[1])
    assert source.labels.tolist() == LABELS
    for cell in (("fog", 1), ("snow", 1)):
        np.testing.assert_array_equal(source.cell(*cell).images[:], _pixels(cell))
    with pytest.raises(
        InputError, match=r"image \d+ of snow 1 has label \d, that of fog 1 has \d: the cells are not"
    ):
        open_data("cifar10-c", root=tmp_path / "not", corruptions=["fog", "snow"], severities=[1])


def test_labels_are_ours_by_name(tmp_path: Path) -> None:
    """A ClassLabel in another order, class names as labels, and ImageNet's classes in a set of 200 of them."""
    names = list(reversed(CIFAR))
    rows = image_rows(pixels_of(3), [0, 4, 9])
    write_parquet(tmp_path / "reversed" / "fog" / "1" / "x.parquet", rows, names=names)
    one = {"corruptions": ["fog"], "severities": [1]}
    assert open_data("cifar10-c", root=tmp_path / "reversed", **one).labels.tolist() == [9, 5, 0]
    rows = image_rows(pixels_of(2), ["cat", "airplane"])
    write_parquet(tmp_path / "words" / "fog" / "1" / "x.parquet", rows)
    assert open_data("cifar10-c", root=tmp_path / "words", **one).labels.tolist() == [3, 0]
    wnids, tiny = class_list("imagenet"), class_list("tiny-imagenet")
    rows = image_rows(pixels_of(3, 64), [wnids.index(tiny[7]), 0, wnids.index(tiny[199])])
    write_parquet(tmp_path / "wnids" / "fog" / "1" / "x.parquet", rows, names=wnids)
    source = open_data("tiny-imagenet-c", root=tmp_path / "wnids", **one)
    assert source.labels.tolist() == [7, 199]
    assert "800 of the 1,000 classes" in source.notes[0]


def test_an_order_of_classes_is_proved_or_refused() -> None:
    """Two classes swapped are put right by name; other words for the same classes pass where the rest is in order."""
    where, known = Path("set"), ["n1", "n2", "n3", "n4"]
    words = ["tench", "great white shark", "hen", "ostrich"]
    swapped = label_map(where, ["tench, Tinca tinca", "hen", "great white shark", "ostrich"], known, words)
    assert [swapped(label, "") for label in range(4)] == [0, 2, 1, 3]
    other = label_map(where, ["tench", "white shark", "hen", "ostrich, bird"], known, words)
    assert ([other(label, "") for label in range(4)], other.note) == ([0, 1, 2, 3], None)
    with pytest.raises(InputError, match=r"another order .* none called 'rooster'"):
        label_map(where, ["hen", "rooster", "tench", "ostrich"], known, words)
    strange = label_map(where, ["a", "b", "c", "d"], known, words)
    assert strange.note == "the labels in set are taken as they are: 'a' is none of the classes"
    with pytest.raises(
        InputError, match=r"x: expected the number or the name of a class as its label, got 7"
    ):
        strange(7, "x")


def _evaluable(root: Path, rows: Sequence[object], **more: object) -> Path:
    write_parquet(root / "fog" / "1" / "x.parquet", rows, **more)  # type: ignore[arg-type]
    return root


def _opened_and_read(root: Path, asked: dict[str, Any]) -> None:
    source = open_data("cifar10-c", root=root, **asked)
    assert source.cell("fog", 1).images[:].size


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ("cut tar", r"0\.tar: damaged or cut off \(.*\): fetch the file again"),
        ("gzip", r"0\.tar: damaged or cut off \(it is compressed: unpack it with gunzip\)"),
        ("pointer", r"x\.parquet: a pointer of Git LFS, not the file itself: fetch it with `git lfs pull`"),
        ("cut parquet", r"x\.parquet: damaged or cut off \(.*\): fetch the file again"),
        ("broken image", r"x\.parquet: image_2\.png: damaged, or no image \(cannot identify image.*\)"),
        ("broken in tar", r"0\.tar: s0000002: damaged, or no image"),
        (
            "size",
            r"x\.parquet: image_0\.png: expected 32x32 pixels, got 28x28: the images of this set are never",
        ),
        (
            "no bytes",
            r"x\.parquet: row group 0, row 0: expected the bytes of an image, got none: files that are only",
        ),
        ("no label column", r"x\.parquet: expected a column of labels \(label, .*\), got image, text"),
        (
            "label",
            r"set: expected labels in 0\.\.9, got 0\.\.12|expected the number or the name of a class .* got 12",
        ),
        ("no label in tar", r"0\.tar: s0000000: has no label"),
        ("two images", r"0\.tar: s0: expected one image in a sample, got jpg, png"),
        (
            "count",
            r"expected the same 3 images in every cell, as fog 1 has, got 2 of fog 2: fetch its shards again",
        ),
        ("severity", r"has no images of fog at severity 2, only at 1: fetch them, or leave the severity out"),
        ("corruption", r"has no images of snow: fetch them, or leave the corruption out"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(wrong: str, message: str, tmp_path: Path) -> None:
    """A damaged shard is named, a broken image by shard and name, a cell by what it lacks."""
    root, asked = tmp_path / "set", dict[str, Any](corruptions=["fog"], severities=[1])
    good = image_rows(pixels_of(3), [0, 1, 2])
    tar, parquet = root / "fog" / "1" / "0.tar", root / "fog" / "1" / "x.parquet"
    files = samples(pixels_of(3), [0, 1, 2])
    if wrong == "cut tar":
        content = write_tar(tar, files).read_bytes()
        tar.write_bytes(content[: len(content) // 2])
    elif wrong == "gzip":
        import gzip

        tar.write_bytes(gzip.compress(write_tar(tar, files).read_bytes()))
    elif wrong == "pointer":
        parquet.parent.mkdir(parents=True)
        parquet.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 3\n")
    elif wrong == "cut parquet":
        content = write_parquet(parquet, good).read_bytes()
        parquet.write_bytes(content[: len(content) - 30])
    elif wrong == "broken image":
        _evaluable(root, [*good[:2], {**good[2], "image": {"bytes": b"not an image", "path": "image_2.png"}}])
    elif wrong == "broken in tar":
        write_tar(tar, {**files, "s0000002.png": files["s0000002.png"][:200]})
    elif wrong == "size":
        _evaluable(root, image_rows(pixels_of(3, 28), [0, 1, 2]))
    elif wrong == "no bytes":
        _evaluable(root, [{"image": {"bytes": None, "path": "a.png"}, "label": 0}])
    elif wrong == "no label column":
        _evaluable(root, [{"image": row["image"], "text": "x"} for row in good])
    elif wrong == "label":
        _evaluable(root, [good[0], {**good[1], "label": 12}])
    elif wrong == "no label in tar":
        write_tar(tar, {name: content for name, content in files.items() if name.endswith("png")})
    elif wrong == "two images":
        write_tar(tar, {"s0.png": files["s0000000.png"], "s0.jpg": b"", "s0.cls": b"0"})
    elif wrong == "count":
        _evaluable(root, good)
        write_parquet(root / "fog" / "2" / "x.parquet", good[:2])
        asked["severities"] = [1, 2]
    else:
        _evaluable(root, good)
        asked = (
            {"corruptions": ["fog"], "severities": [1, 2]}
            if wrong == "severity"
            else {"corruptions": ["snow"]}
        )
    with pytest.raises(InputError, match=message) as told:
        _opened_and_read(root, asked)
    assert "\n" not in str(told.value)
    assert "0x" not in str(told.value), "the address of an object says nothing"


def test_images_that_say_no_cell_are_refused(tmp_path: Path) -> None:
    """Half of the shards in folders of cells, half in none: the line says what is missing."""
    write_parquet(tmp_path / "set" / "fog" / "1" / "x.parquet", image_rows(pixels_of(2), [0, 1]))
    write_parquet(tmp_path / "set" / "more" / "x.parquet", image_rows(pixels_of(2), [0, 1]))
    with pytest.raises(
        InputError, match=r"more/x\.parquet: image_0\.png: nothing says which corruption it has"
    ):
        open_data("cifar10-c", root=tmp_path / "set", corruptions=["fog"], severities=[1])


def test_clean_images_are_read_from_shards(tmp_path: Path) -> None:
    """Of the splits validation or test is meant; ImageNet's photographs get its geometry; a note says it is clean."""
    for split, seed in (("train", 1), ("test", 2)):
        rows = image_rows(pixels_of(12, seed=seed), LABELS, column="img")
        write_parquet(
            tmp_path / "cifar10" / "plain_text" / f"{split}-00000-of-00001.parquet", rows, names=CIFAR
        )
    source = open_data("cifar10-c", root=tmp_path / "cifar10")
    assert (source.source, source.labels.tolist()) == ("generated", LABELS)
    assert source.clean is not None
    np.testing.assert_array_equal(source.clean.images[:], pixels_of(12, seed=2))
    assert "read as clean images" in source.notes[0]
    photograph = np.tile(np.arange(300, dtype=np.uint8)[None, :, None], (260, 1, 3))
    write_tar(
        tmp_path / "wds" / "imagenet1k-validation-00.tar", {"a.jpg": picture(photograph), "a.cls": b"388"}
    )
    clean = open_data("imagenet-c", root=tmp_path / "wds").clean
    assert clean is not None
    assert (clean.images.shape, clean.labels.tolist()) == ((1, 224, 224, 3), [388])
    (tmp_path / "folder" / "val" / "cat").mkdir(parents=True)
    Image.new("RGB", (224, 224)).save(tmp_path / "folder" / "val" / "cat" / "a.png")
    file = io.BytesIO()
    Image.new("RGB", (224, 224), (9, 9, 9)).save(file, "PNG")
    write_tar(tmp_path / "folder" / "val" / "cat.tar", {"x.png": file.getvalue()})
    assert len(open_data("folder-c", root=tmp_path / "folder").labels) == 1, (
        "class folders go before a stray archive"
    )


def test_pyarrow_is_asked_for_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the package Parquet files are no riddle: one line says what to install."""
    root = _configurations(tmp_path / "set")
    monkeypatch.setattr("ppbench.data.parquet_files.find_spec", lambda _name: None)
    with pytest.raises(
        InputError, match=r"\.parquet: Parquet needs the package pyarrow: pip install pyarrow"
    ):
        open_data("cifar10-c", root=root, **ASKED)


def test_what_names_say_of_a_cell() -> None:
    """Columns go before folders, folders before files; a shard's number is no severity, nor is `fog_3d` fog."""
    paths = {
        "fog/3/0": Said("fog", 3),
        "fog/test/1": Said("fog"),
        "fog_3/test/0": Said("fog", 3),
        "data/jpeg_compression_5-00000-of-00001": Said("jpeg_compression", 5),
        "fog/validation_severity_5-00000-of-00002": Said("fog", 5),
        "fog-000003": Said("fog"),
        "fog_3d/2/x": Said("fog_3d", 2),
        "fog_3d/severity_2": Said("fog_3d", 2),
        "clean/0": Said("clean", 0),
        "data/train-00003-of-00011": Said(),
        "part_1/0": Said(),
        "imagenet1k-validation-00": Said(),
    }
    found = {path: of_path(path.split("/")[:-1], path.split("/")[-1]) for path in paths}
    assert found == paths
    assert of_fields("JPEG Compression", "severity_4") == Said("jpeg_compression", 4)
    assert of_fields("none", None) == of_fields("fog", 0) == Said("clean", 0)
    assert re.fullmatch(r"fog_3d", of_fields("fog_3d", 2.0).corruption or "")
