"""ImageNet-C trees, class folders, and the geometry of clean images."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from torchvision.transforms import v2

from ppbench.data.classes import class_list
from ppbench.data.image_files import Geometry, ImageFiles, read_image
from ppbench.data.imagenet_c import TreeFolder
from ppbench.data.sets import open_data
from ppbench.errors import InputError

WNIDS = ("n01443537", "n01629819", "n12267677")  # the first two and the last class of Tiny-ImageNet
LABELS = [0, 0, 1, 1, 199, 199]


@pytest.fixture(autouse=True)
def nowhere(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test finds the data of the machine it runs on."""
    empty = tmp_path_factory.mktemp("nowhere")
    monkeypatch.chdir(empty)
    monkeypatch.setenv("XDG_DATA_HOME", str(empty / "user"))
    monkeypatch.delenv("PPBENCH_DATA", raising=False)


def _save(path: Path, size: int, seed: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (size, size, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path, quality=85)


def _tree(root: Path, corruptions: tuple[str, ...] = ("fog", "snow"), size: int = 64) -> None:
    """Two images of each of three classes, five severities; every image another."""
    for c, corruption in enumerate(corruptions):
        for severity in range(1, 6):
            for k in range(6):
                name = f"ILSVRC2012_val_{k:08}.JPEG"
                _save(
                    root / corruption / str(severity) / WNIDS[k // 2] / name,
                    size,
                    c * 100 + severity * 10 + k,
                )


def test_the_class_lists_are_sorted_and_of_the_right_length() -> None:
    """Labels are places in these lists; every class of the smaller sets is one of ImageNet's."""
    imagenet = class_list("imagenet")
    assert imagenet[0] == "n01440764"  # tench, label 0 of every ImageNet model
    assert imagenet[999] == "n15075141"  # toilet tissue, label 999
    for name, count in (("imagenet", 1000), ("tiny-imagenet", 200), ("imagenet100", 100)):
        wnids = class_list(name)
        assert len(set(wnids)) == len(wnids) == count
        assert list(wnids) == sorted(wnids)
        assert set(wnids) <= set(imagenet)


def test_real_images_have_the_labels_of_all_1000_classes(test_data: Path) -> None:
    """The sample has every tenth class: a part of the class folders keeps the labels of the whole."""
    source = open_data("imagenet-c", root=test_data / "imagenet-sample")
    assert source.labels.tolist() == list(range(0, 1000, 10))
    assert source.num_classes == 1000
    assert source.image_size == (224, 224)
    assert source.clean is not None
    assert source.clean.images[np.array([0, 99])].shape == (2, 224, 224, 3)


def test_a_smaller_set_takes_its_classes_from_a_larger_root(test_data: Path) -> None:
    """ImageNet-200 from folders of ImageNet: the classes that are not its own are left out, labels are its own."""
    root = test_data / "imagenet-sample" / "val"
    there = sorted(path.name for path in root.iterdir())
    for name, known in (("imagenet200-c", "tiny-imagenet"), ("imagenet100-c", "imagenet100")):
        source = open_data(name, root=root)
        mine = class_list(known)
        assert [mine[label] for label in source.labels] == [wnid for wnid in there if wnid in mine]
        assert 0 < len(source.labels) < 100


def test_clean_images_have_torchvisions_geometry(test_data: Path) -> None:
    """Resize(256) and CenterCrop(224), exactly, on 25 real images of many sizes."""
    theirs = v2.Compose([v2.Resize(256), v2.CenterCrop(224)])
    for path in sorted((test_data / "imagenet-sample" / "val").rglob("*.JPEG"))[::4]:
        with Image.open(path) as opened:
            image = opened.convert("RGB")
        assert (read_image(path, Geometry(224, 256)) == np.asarray(theirs(image))).all(), path


def test_files_are_decoded_in_the_order_asked_for(tmp_path: Path) -> None:
    """Several threads decode, and every image is where it belongs."""
    names = [f"{k}.png" for k in range(40)]
    for k, name in enumerate(names):
        Image.new("RGB", (8, 8), (k, 2 * k, 3 * k)).save(tmp_path / name)
    images = ImageFiles(tmp_path, names, Geometry(8))
    rows = np.random.default_rng(0).permutation(40)
    assert images.shape == (40, 8, 8, 3)
    assert images[rows][:, 0, 0, 0].tolist() == rows.tolist()
    assert images[5:8][:, 3, 3, 2].tolist() == [15, 18, 21]


@pytest.mark.parametrize("grouped", [False, True])
def test_a_tree_is_read_flat_or_grouped(grouped: bool, tmp_path: Path) -> None:
    """`fog/1/…` and `weather/fog/1/…` are the same set."""
    root = tmp_path / "Tiny-ImageNet-C"
    _tree(root / "weather" if grouped else root)
    for place in (root, tmp_path):
        source = open_data("tiny-imagenet-c", root=place, corruptions=["snow"], severities=[2])
        assert source.source == "published"
        assert source.labels.tolist() == LABELS
        assert source.num_classes == 200
        cell = source.cell("snow", 2)
        path = next(root.rglob("snow/2/n01629819/ILSVRC2012_val_00000003.JPEG"))
        with Image.open(path) as image:
            assert (cell.images[3:4][0] == np.asarray(image)).all()


def test_a_subset_reads_only_its_own_images(tmp_path: Path) -> None:
    """One image of each class, the same ones in every cell."""
    _tree(tmp_path)
    source = open_data("tiny-imagenet-c", root=tmp_path, limit=3)
    assert source.labels.tolist() == [0, 1, 199]
    for corruption in ("fog", "snow"):
        cell = source.cell(corruption, 5)
        assert cell.ids.tolist() == source.ids.tolist()
        assert cell.images[:].shape == (3, 64, 64, 3)


def test_the_digests_know_another_tree(tmp_path: Path) -> None:
    """The same files elsewhere have the same digests, other images of a corruption another one of that corruption."""
    _tree(tmp_path / "a")
    shutil.copytree(tmp_path / "a", tmp_path / "b")
    names = ("fog", "snow")
    whole = open_data("tiny-imagenet-c", root=tmp_path / "a")
    digests = whole.corruption_digests(names)
    assert open_data("tiny-imagenet-c", root=tmp_path / "b").corruption_digests(names) == digests
    part = open_data("tiny-imagenet-c", root=tmp_path / "a", corruptions=["snow"], severities=[5])
    assert (part.digest, part.corruption_digests(["snow"])) == (whole.digest, {"snow": digests["snow"]})
    _save(tmp_path / "b" / "fog" / "1" / WNIDS[0] / "ILSVRC2012_val_00000000.JPEG", 64, 999)
    changed = open_data("tiny-imagenet-c", root=tmp_path / "b")
    after = changed.corruption_digests(names)
    assert (changed.digest, after["snow"]) == (whole.digest, digests["snow"])
    assert after["fog"] != digests["fog"]
    (tmp_path / "b" / "snow" / "1" / WNIDS[0] / "ILSVRC2012_val_00000000.JPEG").rename(
        tmp_path / "b" / "snow" / "1" / WNIDS[0] / "another.JPEG"
    )
    renamed = open_data("tiny-imagenet-c", root=tmp_path / "b", corruptions=["snow"], severities=[1])
    assert renamed.digest != whole.digest


def test_generated_images_have_no_digests_of_corruptions() -> None:
    """Their clean images' digest and the corruptions' code versions say everything."""
    assert open_data("digits-c").corruption_digests(["fog"]) is None


def test_tiny_imagenets_own_layout_is_clean(tmp_path: Path) -> None:
    """`val/images` and `val_annotations.txt`: labels by wnid, and a note that these are other crops."""
    _tree(tmp_path / "Tiny-ImageNet-C")
    val = tmp_path / "tiny-imagenet-200" / "val"
    lines = []
    for k, wnid in enumerate([WNIDS[2], WNIDS[0], WNIDS[1], WNIDS[0], WNIDS[2], WNIDS[1]]):
        _save(val / "images" / f"val_{k}.JPEG", 64, k)
        lines.append(f"val_{k}.JPEG\t{wnid}\t0\t0\t62\t62\n")
    (val / "val_annotations.txt").write_text("".join(lines))
    generated = open_data("tiny-imagenet-c", root=tmp_path, source="generated")
    assert not [note for note in generated.notes if note.startswith("passed over")]
    assert generated.labels.tolist() == LABELS
    assert generated.clean is not None
    with Image.open(val / "images" / "val_0.JPEG") as image:
        assert (generated.clean.images[4:5][0] == np.asarray(image)).all()
    published = open_data("tiny-imagenet-c", root=tmp_path)
    assert published.clean is not None
    assert "not those that the published ones were made from" in published.notes[0]
    _save(val / "images" / "val_77.JPEG", 64, 0)
    (val / "images" / "._val_0.JPEG").write_bytes(b"Mac OS X")
    again = open_data("tiny-imagenet-c", root=tmp_path, source="generated")
    assert again.digest == generated.digest
    told = (
        f"passed over in {val}: images without a line in val_annotations.txt: 1 (such as images/val_77.JPEG)"
    )
    assert told in again.notes


def test_a_part_of_the_classes_is_noted(tmp_path: Path) -> None:
    """Three of 200 classes are evaluated, clean, published or a subset of them, but no reader takes them for all."""
    _tree(tmp_path / "Tiny-ImageNet-C")
    for k, wnid in enumerate(WNIDS):
        _save(tmp_path / "tiny-imagenet-200" / "val" / wnid / "images" / f"{k}.JPEG", 64, k)
    for options in ({"source": "published"}, {"source": "generated"}, {"limit": 2}):
        notes = open_data("tiny-imagenet-c", root=tmp_path, **options).notes
        assert [note for note in notes if " classes only" in note] == [
            "images of 3 of the 200 classes only: no result of the whole set"
        ]


def test_all_classes_need_no_note(tmp_path: Path) -> None:
    """A subset of fewer images than classes is noted as a subset, elsewhere."""
    for k, wnid in enumerate(class_list("tiny-imagenet")):
        _save(tmp_path / "tiny-imagenet-200" / "val" / wnid / "images" / f"{k}.JPEG", 64, k)
    assert open_data("tiny-imagenet-c", root=tmp_path).notes == ()
    assert open_data("tiny-imagenet-c", root=tmp_path, limit=5).notes == ()


def test_your_own_folders_are_a_set(tmp_path: Path) -> None:
    """Sorted folders are the classes, images of any size are brought to 224 pixels."""
    for k, name in enumerate(("cats", "dogs", "newts")):
        _save(tmp_path / name / "one.png", 100 + 30 * k, k)
    source = open_data("folder-c", root=tmp_path)
    assert source.num_classes == 3
    assert source.labels.tolist() == [0, 1, 2]
    assert source.clean is not None
    assert source.clean.images[:].shape == (3, 224, 224, 3)
    with pytest.raises(InputError, match="folder-c needs --root"):
        open_data("folder-c")


def test_cifar_images_may_be_in_class_folders(tmp_path: Path) -> None:
    """Ten folders of 32-pixel files, called as the classes or numbered, are CIFAR-10's; nine, or others, are not."""
    for k, name in enumerate(
        ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship"]
    ):
        _save(tmp_path / name / "0.png", 32, k)
    with pytest.raises(
        InputError, match="each of the 10 classes needs a folder, and there is none for truck"
    ):
        open_data("cifar10-c", root=tmp_path)
    _save(tmp_path / "truck" / "0.png", 32, 9)
    assert open_data("cifar10-c", root=tmp_path).labels.tolist() == list(range(10))
    for part in ("val", "test"):
        for label in range(10):
            _save(tmp_path / part / part / str(label) / "0.png", 32, label)
        assert open_data("cifar10-c", root=tmp_path / part).labels.tolist() == list(range(10))
    # In the order of the alphabet "plane" would be a label that no network means by it.
    for k, name in enumerate(
        ["plane", "car", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]
    ):
        _save(tmp_path / "other" / name / "0.png", 32, k)
    with pytest.raises(
        InputError, match="each of the 10 classes needs a folder, and there is none for airplane and 1 more"
    ):
        open_data("cifar10-c", root=tmp_path / "other")
    for k in range(100):
        _save(tmp_path / "hundred" / str(k) / "0.png", 32, k)
    with pytest.raises(
        InputError, match="the order of the class folders is not clear: label 2 is '10' as text"
    ):
        open_data("cifar100-c", root=tmp_path / "hundred")


def _tree_of(root: Path, *corruptions: str) -> TreeFolder:
    return TreeFolder(root, "tiny-imagenet-c", 64, class_list("tiny-imagenet"), 200, corruptions, ())


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    """A corruption, a severity, a class or an image that is not there: one line, before or when its cell is read."""
    _tree(tmp_path)
    with pytest.raises(InputError, match="has no folder frost"):
        _tree_of(tmp_path, "fog", "frost")
    gone = tmp_path / "snow" / "4" / WNIDS[1] / "ILSVRC2012_val_00000002.JPEG"
    gone.unlink()
    with pytest.raises(
        InputError, match=r"snow/4: expected the same 6 images in every cell, got 5: .*00000002"
    ):
        _tree_of(tmp_path).cell("snow", 4)
    shutil.rmtree(gone.parent)
    with pytest.raises(InputError, match="snow/4: the class folder n01629819 is missing"):
        _tree_of(tmp_path)
    shutil.rmtree(gone.parent.parent)
    with pytest.raises(InputError, match="snow/4: the folder of this severity is missing"):
        _tree_of(tmp_path)
    assert _tree_of(tmp_path, "fog").cell("fog", 4).labels.tolist() == LABELS


def test_published_images_are_never_resized(tmp_path: Path) -> None:
    """A tree of 224 pixels is not a tree of 64 pixels."""
    _tree(tmp_path, ("fog",), size=224)
    with pytest.raises(InputError, match=r"expected 64x64 pixels, got 224x224: .*never resized"):
        open_data("tiny-imagenet-c", root=tmp_path)


def test_damaged_images_are_named(tmp_path: Path) -> None:
    """A truncated JPEG and a page saved as one."""
    _tree(tmp_path, ("fog",))
    path = tmp_path / "fog" / "3" / WNIDS[0] / "ILSVRC2012_val_00000001.JPEG"
    for content in (path.read_bytes()[:800], b"<html>"):
        path.write_bytes(content)
        with pytest.raises(InputError, match=r"00000001\.JPEG: damaged, or no image"):
            _tree_of(tmp_path).cell("fog", 3).images[:]


def test_folders_of_other_names_are_refused(tmp_path: Path) -> None:
    """Labels come from wnids: folders that are none have no label."""
    for severity in range(1, 6):
        _save(tmp_path / "fog" / str(severity) / "goldfish" / "0.JPEG", 64, 0)
    with pytest.raises(
        InputError, match="class folders named as the classes are, such as n01443537, got 'goldfish'"
    ):
        open_data("tiny-imagenet-c", root=tmp_path)


def test_sets_in_the_usual_places_are_told_apart_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two trees in one data folder are two sets; a tree of no known name is not taken for one."""
    monkeypatch.setenv("PPBENCH_DATA", str(tmp_path))
    _tree(tmp_path / "Tiny-ImageNet-C")
    _tree(tmp_path / "something", ("fog",), size=224)
    assert open_data("tiny-imagenet-c").source == "published"
    with pytest.raises(InputError, match="imagenet-c: no ImageNet-C/ or imagenet/val/ in "):
        open_data("imagenet-c")
