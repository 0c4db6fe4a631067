"""Folders of class folders: which files are images of which class, and what is said of all others."""

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from torchvision.datasets import ImageFolder

from ppbench.data.class_folders import SUFFIXES, read_class_folders
from ppbench.data.image_files import Geometry, ImageFiles
from ppbench.data.image_set import ImageSet
from ppbench.data.sets import open_data
from ppbench.errors import InputError


def _save(path: Path, value: int = 0) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (8, 8), (value, 0, 0)).save(path)


def _read(folder: Path) -> ImageSet:
    return read_class_folders(folder, "mine", Geometry(8), None, None)


def _samples(images: ImageSet) -> list[tuple[str, int]]:
    assert isinstance(images.images, ImageFiles)
    return list(zip(images.images.names, images.labels.tolist(), strict=True))


def _theirs(folder: Path) -> list[tuple[str, int]]:
    return [(Path(path).relative_to(folder).as_posix(), label) for path, label in ImageFolder(folder).samples]


def test_the_endings_are_torchvisions() -> None:
    """Whatever ImageFolder takes for an image is one here, in capitals too."""
    from torchvision.datasets.folder import IMG_EXTENSIONS

    assert set(SUFFIXES) == set(IMG_EXTENSIONS)


def test_folders_within_class_folders_are_read_as_imagefolder_reads_them(tmp_path: Path) -> None:
    """120 images, 60 of them deeper: the same files in the same order with the same labels, and nothing to say."""
    for label, name in enumerate(("cat", "dog")):
        for k in range(30):
            _save(tmp_path / name / f"{k}.png", label)
            # Names that sort before and after a slash, and a capital ending.
            _save(tmp_path / name / ("a", "a-b", "a b", "Z/é/1")[k % 4] / f"{k}.PNG", label)
    images = _read(tmp_path)
    assert len(images) == 120
    assert _samples(images) == _theirs(tmp_path)
    assert images.images[:][:, 0, 0, 0].tolist() == images.labels.tolist()
    assert images.notes == ()


def test_a_set_without_folders_in_it_keeps_its_digest(tmp_path: Path) -> None:
    """What was kept of it, and what runs and checkpoints say of it, still belongs to it."""
    for name in ("b", "a"):
        for file in ("2.png", "1.JPEG"):
            for path in (tmp_path / "set" / name / file, tmp_path / "tiny" / name / "images" / file):
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(f"{name}{file}".encode())
    flat = read_class_folders(tmp_path / "set", "mine", Geometry(32, 36), None, None)
    assert flat.digest == "773e960c0cac44a14c9ee9a26922375a9cd2e599c7ef210db3dcac579f1b46f8"
    tiny = read_class_folders(tmp_path / "tiny", "mine", Geometry(32, 36), ("b", "z", "a"), 3)
    assert tiny.digest == "b7a78d33c62d59d8dea903ec60128465582123f3f003caf58e651715b3bea02b"


def test_links_are_followed_but_not_for_ever(tmp_path: Path) -> None:
    """To files and to folders, as ImageFolder does; one that leads back up is passed over, and that is said."""
    _save(tmp_path / "elsewhere" / "deep" / "x.png")
    for name in ("cat", "dog"):
        _save(tmp_path / "set" / name / "0.png")
    (tmp_path / "set" / "cat" / "more").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "set" / "cat" / "1.png").symlink_to(tmp_path / "elsewhere" / "deep" / "x.png")
    (tmp_path / "set" / "owl").symlink_to(tmp_path / "elsewhere")
    images = _read(tmp_path / "set")
    assert _samples(images) == _theirs(tmp_path / "set")
    assert len(images) == 5
    (tmp_path / "elsewhere" / "deep" / "up").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "set" / "dog" / "all").symlink_to(tmp_path / "set")
    again = _read(tmp_path / "set")
    assert _samples(again) == _samples(images)
    assert len(again.notes) == 1
    assert "links to a folder that they are in: 3 (such as cat/more/deep/up)" in again.notes[0]


def test_hidden_files_do_not_end_a_run(tmp_path: Path) -> None:
    """What macOS and Windows leave is no image; files that look like images are counted, litter is not."""
    for name in ("cat", "dog"):
        _save(tmp_path / name / "0.png")
        for litter in (".DS_Store", "Thumbs.db", "desktop.ini", ".gitkeep"):
            (tmp_path / name / litter).write_bytes(b"litter")
    (tmp_path / ".DS_Store").write_bytes(b"litter")
    assert _read(tmp_path).notes == ()
    for name in ("cat", "dog"):
        (tmp_path / name / "._0.png").write_bytes(b"Mac OS X")
    (tmp_path / "__MACOSX" / "cat").mkdir(parents=True)
    (tmp_path / "__MACOSX" / "cat" / "._0.png").write_bytes(b"Mac OS X")
    images = _read(tmp_path)
    assert _samples(images) == [("cat/0.png", 0), ("dog/0.png", 1)]
    assert images.images[:].shape == (2, 8, 8, 3)
    assert images.notes == (
        f"passed over in {tmp_path}: hidden files: 2 (such as cat/._0.png); hidden folders: 1 (such as __MACOSX)",
    )


def test_nothing_is_passed_over_in_silence(tmp_path: Path) -> None:
    """Images outside of classes, files with other endings, empty classes: one line has all of them, with an example."""
    for name in ("cat", "dog"):
        _save(tmp_path / name / "0.png")
    _save(tmp_path / "lost.png")
    (tmp_path / "README.txt").write_text("")
    (tmp_path / "dog" / "deep").mkdir()
    (tmp_path / "dog" / "deep" / "1.gif").write_bytes(b"GIF89a")
    (tmp_path / "dog" / "2.jfif").write_bytes(b"")
    (tmp_path / "emu").mkdir()
    images = _read(tmp_path)
    assert (len(images), images.num_classes) == (2, 3)
    (note,) = images.notes
    assert note == (
        f"passed over in {tmp_path}: files with another ending: 2 (such as dog/2.jfif); "
        "class folders without an image: 1 (such as emu); images in no class folder: 1 (such as lost.png)"
    )


def test_tiny_imagenets_own_files_are_nothing_to_speak_of(tmp_path: Path) -> None:
    """Its training classes have a list of boxes beside `images`."""
    for wnid in ("n01443537", "n01629819"):
        _save(tmp_path / wnid / "images" / f"{wnid}_0.JPEG")
        (tmp_path / wnid / f"{wnid}_boxes.txt").write_text("")
    images = _read(tmp_path)
    assert [name for name, _ in _samples(images)] == [
        f"{wnid}/images/{wnid}_0.JPEG" for wnid in ("n01443537", "n01629819")
    ]
    assert images.notes == ()


def test_what_was_passed_over_reaches_the_source(tmp_path: Path) -> None:
    """Of clean images and of a published tree; a subset keeps the note."""
    for k in range(3):
        _save(tmp_path / "clean" / "ab"[k % 2] / f"{k}.png")
        for severity in range(1, 6):
            path = tmp_path / "tree" / "fog" / str(severity) / "ab"[k % 2] / "deep" / f"{k}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.new("RGB", (224, 224)).save(path)
    (tmp_path / "clean" / "a" / "x.npy").write_bytes(b"")
    (tmp_path / "tree" / "fog" / "1" / "b" / "deep" / "._1.png").write_bytes(b"")
    for limit in (None, 2):
        assert (
            "another ending: 1 (such as a/x.npy)"
            in open_data("folder-c", root=tmp_path / "clean", limit=limit).notes[0]
        )
        tree = open_data("folder-c", root=tmp_path / "tree", corruptions=["fog"], limit=limit)
        assert "fog/1: hidden files: 1 (such as b/deep/._1.png)" in tree.notes[0]
        assert tree.cell("fog", 5).images[:].shape == (limit or 3, 224, 224, 3)


def test_folders_that_no_class_is_named_after_are_counted(tmp_path: Path) -> None:
    """A part of a known set's classes, and other folders among them; all classes of a larger set are nothing to say."""
    for name in ("n01443537", "n01629819", "goldfish"):
        _save(tmp_path / name / "0.png")
    known = ("n01443537", "n01629819", "n12267677")
    notes = read_class_folders(tmp_path, "mine", Geometry(8), known, 3).notes
    assert notes == (
        f"1 of the 3 folders in {tmp_path} is not among the 3 classes and passed over, such as goldfish",
    )
    assert read_class_folders(tmp_path, "mine", Geometry(8), known[:2], 2).notes == ()


def test_the_parts_of_a_set_are_no_classes(tmp_path: Path) -> None:
    """`train` and `val` side by side are not two classes: the test images are meant."""
    for part in ("train", "val"):
        for k, name in enumerate(("cat", "dog", "owl")):
            for number in range(2):
                _save(tmp_path / part / name / f"{number}.png", k)
    (tmp_path / "annotations").mkdir()
    source = open_data("folder-c", root=tmp_path)
    assert source.labels.tolist() == [0, 0, 1, 1, 2, 2]
    assert source.num_classes == 3
    (tmp_path / "val").rename(tmp_path / "validation")
    with pytest.raises(
        InputError,
        match=r" or class folders, got a folder with annotations, train",
    ):
        open_data("folder-c", root=tmp_path)
    assert len(open_data("folder-c", root=tmp_path / "validation").labels) == 6


@pytest.mark.parametrize("classes", [range(10), range(1, 6)])
def test_numbered_classes_are_no_severities(classes: range, tmp_path: Path) -> None:
    """`train/1/` and `test/1/` are classes of two parts, whatever numbers there are; the test images are meant."""
    for part in ("train", "test"):
        for k in classes:
            _save(tmp_path / part / str(k) / f"{part}.png", k)
    for root in (tmp_path, tmp_path / "test"):
        source = open_data("folder-c", root=root)
        assert (source.source, source.num_classes) == ("generated", len(classes))
        assert source.clean is not None
        assert source.clean.images[:][:, 0, 0, 0].tolist() == list(classes)


@pytest.mark.parametrize("group", ["", "weather"])
def test_corruptions_are_no_classes(group: str, tmp_path: Path) -> None:
    """A published tree that is to be corrupted once more would be read as a class a corruption, or a group."""
    for corruption in ("fog", "snow"):
        for severity in range(1, 6):
            _save(tmp_path / group / corruption / str(severity) / "cat" / "0.png")
    with pytest.raises(InputError, match="expected class folders, got a folder with"):
        open_data("folder-c", root=tmp_path, source="generated")


def test_a_folder_that_cannot_be_read_is_one_line(tmp_path: Path) -> None:
    """Its images are not left out in silence; a link to itself is no folder."""
    for name in ("cat", "dog"):
        _save(tmp_path / name / "0.png")
    (tmp_path / "cat" / "self").symlink_to(tmp_path / "cat" / "self")
    assert len(_read(tmp_path)) == 2
    inner = os.open(tmp_path / "dog", os.O_RDONLY)
    for _ in range(20):  # a path of 5,000 characters cannot be opened, not even by root
        os.mkdir("d" * 250, dir_fd=inner)
        outer, inner = inner, os.open("d" * 250, os.O_RDONLY, dir_fd=inner)
        os.close(outer)
    os.close(inner)
    with pytest.raises(InputError, match=r"dog/d+/.*: this folder cannot be read: file name too long"):
        _read(tmp_path)


def test_a_folder_may_be_named_as_an_image(tmp_path: Path) -> None:
    """It is walked, not decoded."""
    _save(tmp_path / "cat" / "0.png" / "1.png")
    _save(tmp_path / "dog" / "0.png")
    assert _samples(_read(tmp_path)) == [("cat/0.png/1.png", 0), ("dog/0.png", 1)] == _theirs(tmp_path)
    assert np.array_equal(_read(tmp_path).ids, [0, 1])


def test_small_images_that_are_enlarged_are_said(tmp_path: Path) -> None:
    """A network of 32-pixel images sees other images than it was trained on; the note says what is done to them."""
    for name in ("cat", "dog"):
        (tmp_path / name).mkdir()
        Image.new("RGB", (32, 32)).save(tmp_path / name / "a.png")
    (note,) = open_data("folder-c", root=tmp_path).notes
    assert "small images are enlarged: cat/a.png has 32x32 pixels" in note
    assert "resized to 256 and 224 are cut out" in note
    Image.new("RGB", (300, 280)).save(tmp_path / "cat" / "a.png")
    assert open_data("folder-c", root=tmp_path).notes == ()
