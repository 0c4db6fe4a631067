"""Writing the CIFAR-C layout."""

import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import corruptions
from ppbench.data.digits import digits
from ppbench.data.sets import open_data
from ppbench.errors import InputError
from ppbench.generation.generate import GenerationConfig, generate
from ppbench.generation.manifest import read

NAMES = ("gaussian_noise", "pixelate")


def _tree(folder: Path) -> dict[str, str]:
    """Every file below a folder with the digest of its bytes."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two corruptions of 40 digits."""
    out = tmp_path_factory.mktemp("generated") / "set"
    generate(GenerationConfig("digits-c", None, 40, 3, out), NAMES, workers=1)
    return out


def test_the_layout_is_the_published_one(made: Path) -> None:
    """One severity-major array a corruption, the labels five times, a manifest, and nothing else."""
    assert sorted(_tree(made)) == ["gaussian_noise.npy", "labels.npy", "manifest.json", "pixelate.npy"]
    images, labels = np.load(made / "pixelate.npy"), np.load(made / "labels.npy")
    assert images.shape == (200, 32, 32, 3)
    assert images.dtype == labels.dtype == np.uint8
    source = open_data("digits-c", limit=40, seed=3)
    assert (labels.reshape(5, 40) == source.labels).all()
    assert source.clean is not None
    for severity in range(1, 6):
        wanted = corruptions.corrupt(source.clean.images[:], "pixelate", severity, ids=source.ids, seed=3)
        np.testing.assert_array_equal(images[(severity - 1) * 40 : severity * 40], wanted)


def test_the_manifest_has_a_digest_for_each_cell(made: Path) -> None:
    """The digest is that of the cell's pixels in the file."""
    cells = json.loads((made / "manifest.json").read_text())["cells"]
    assert set(cells) == {f"{name}/{severity}" for name in NAMES for severity in range(1, 6)}
    block = np.load(made / "gaussian_noise.npy")[80:120]
    assert cells["gaussian_noise/3"] == hashlib.sha256(block.tobytes()).hexdigest()


def test_a_folder_of_part_of_a_set_has_the_clean_images_of_that_part(made: Path) -> None:
    """Read back, its 40 digits are beside the 40 clean ones that they were made from, and nothing is to be noted."""
    source, part = open_data("digits-c", root=made), open_data("digits-c", limit=40, seed=3)
    assert source.clean is not None
    assert part.clean is not None
    np.testing.assert_array_equal(source.clean.images[:], part.clean.images[:])
    assert source.clean.ids.tolist() == source.ids.tolist()
    assert source.own_images
    assert source.notes == ()


def test_a_part_of_other_images_has_no_clean_ones(made: Path, tmp_path: Path) -> None:
    """Where no digest proves which clean images a folder was made from, one line says so and what to do."""
    folder = Path(shutil.copytree(made, tmp_path / "other"))
    manifest = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps({**manifest, "clean_digest": "0"}))
    source = open_data("digits-c", root=folder)
    assert source.clean is None
    assert not source.own_images
    (note,) = source.notes
    assert note.startswith("no clean error, no relative scores: ")
    assert str(folder) in note
    assert note.endswith("name those with --root and --source generated --limit 40 --seed 3")


def test_what_is_finished_is_not_made_again(made: Path) -> None:
    """A second call leaves every file as it is."""
    before = {path: path.stat().st_mtime_ns for path in made.glob("*.npy") if path.name != "labels.npy"}
    generate(GenerationConfig("digits-c", None, 40, 3, made), NAMES, workers=1)
    assert {path: path.stat().st_mtime_ns for path in before} == before


def test_a_folder_of_another_set_is_refused(made: Path, tmp_path: Path) -> None:
    """Another seed would mix two sets; foreign files might be somebody's data."""
    with pytest.raises(InputError, match="expected a set with seed 4, got 3"):
        generate(GenerationConfig("digits-c", None, 40, 4, made), NAMES)
    (tmp_path / "thesis.txt").write_text("")
    with pytest.raises(InputError, match=r"thesis\.txt"):
        generate(GenerationConfig("digits-c", None, 40, 3, tmp_path), NAMES)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_what_is_written_reads_as_a_published_folder(tmp_path: Path) -> None:
    """`open_data` takes the folder for published, and its cells are those made on the fly."""
    clean = digits("test")
    np.savez(tmp_path / "clean.npz", images=clean.images[:30], labels=clean.labels[:30])
    out = tmp_path / "CIFAR-10-C"
    generate(GenerationConfig("cifar10-c", tmp_path / "clean.npz", None, 0, out), ["fog"], workers=1)
    source = open_data("cifar10-c", root=out, corruptions=["fog"])
    assert source.source == "published"
    wanted = corruptions.corrupt(clean.images[:30], "fog", 4, ids=np.arange(30), seed=0)
    np.testing.assert_array_equal(source.cell("fog", 4).images[:], wanted)


@pytest.mark.slow
def test_a_generation_that_is_killed_goes_on_to_the_same_bytes(tmp_path: Path) -> None:
    """SIGKILL at ten random moments, then resumed: the same files as an undisturbed call, and no others."""
    names = "gaussian_noise,snow,spatter,pixelate"
    command = [
        sys.executable,
        "-m",
        "ppbench",
        "generate",
        "--corruptions",
        names,
        "--limit",
        "400",
        "--workers",
        "2",
    ]
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    started = time.monotonic()
    subprocess.run([*command, "--out", str(whole)], check=True, capture_output=True)
    duration = time.monotonic() - started
    moments = random.Random(0)  # noqa: S311  not a secret
    for _ in range(10):
        process = subprocess.Popen(
            [*command, "--out", str(broken)],
            start_new_session=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            process.wait(moments.uniform(0.3, 1.0) * duration)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    subprocess.run([*command, "--out", str(broken)], check=True, capture_output=True)
    assert _tree(broken) == _tree(whole)


def test_a_full_disk_keeps_what_is_finished(tmp_path: Path) -> None:
    """A limit on file sizes stands for the full disk: one line, exit code 2, and the next call goes on."""
    out = tmp_path / "set"
    command = f"{sys.executable} -m ppbench generate --corruptions fog --limit 60 --workers 1 --out {out}"
    # 100 blocks of 1,024 bytes hold a manifest and the labels, but not a cell of 60 x 3,072 bytes. SIGXFSZ is ignored,
    # so that the write fails as on a full disk.
    done = subprocess.run(
        ["bash", "-c", f"trap '' XFSZ; ulimit -f 100; exec {command}"], capture_output=True, text=True
    )
    assert done.returncode == 2, done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert "file too large" in done.stderr
    assert not [name for name in _tree(out) if name.endswith((".part", "fog.npy"))]
    subprocess.run(command.split(), check=True, capture_output=True)
    assert read(out) is not None
    assert np.load(out / "fog.npy").shape == (300, 32, 32, 3)


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory, test_data: Path) -> Path:
    """One corruption of three ImageNet images, in the published layout of ImageNet-C."""
    root = tmp_path_factory.mktemp("imagenet")
    (root / "val").mkdir()
    for wnid in ("n01440764", "n01530575", "n01601694"):
        (root / "val" / wnid).symlink_to(test_data / "imagenet-sample" / "val" / wnid)
    out = root / "ImageNet-C"
    generate(
        GenerationConfig("imagenet-c", root / "val", None, 0, out, grouped=True),
        ["gaussian_noise"],
        workers=1,
    )
    return out


def test_a_tree_is_what_the_published_one_is(tree: Path, test_data: Path) -> None:
    """Group, corruption, severity, wnid, the clean file's name; JPEG of quality 85 and 4:2:0, 224 pixels."""
    files = sorted(tree.rglob("*.JPEG"))
    assert len(files) == 3 * 5
    cell = tree / "noise" / "gaussian_noise" / "3"
    originals = {path.stem for path in (test_data / "imagenet-sample" / "val" / "n01440764").iterdir()}
    assert {path.stem for path in (cell / "n01440764").iterdir()} == originals
    with Image.open(files[0]) as image:
        assert image.size == (224, 224)
        assert image.layer[0][1:3] == (2, 2)  # type: ignore[attr-defined]  # of Pillow's JPEG plug-in
        reference = BytesIO()
        Image.new("RGB", (224, 224)).save(reference, "JPEG", quality=85)
        assert image.quantization == Image.open(reference).quantization  # type: ignore[attr-defined]  # as above


def test_a_tree_reads_back_as_what_is_made_on_the_fly(tree: Path) -> None:
    """The stored pixels are the corrupted ones after the JPEG step."""
    stored = open_data("imagenet-c", root=tree, corruptions=["gaussian_noise"])
    assert stored.source == "published"
    clean = open_data("imagenet-c", root=tree.parent / "val").clean
    assert clean is not None
    assert stored.labels.tolist() == clean.labels.tolist() == [0, 10, 20]
    made = corruptions.corrupt(
        clean.images[:], "gaussian_noise", 5, protocol="imagenet-c", ids=clean.ids, seed=0
    )
    np.testing.assert_array_equal(
        stored.cell("gaussian_noise", 5).images[:], corruptions.jpeg_round_trip(made, quality=85)
    )


def test_files_that_a_power_cut_left_empty_are_made_again(tree: Path, tmp_path: Path) -> None:
    """In a cell that the manifest calls finished as in one that was under way; so are files of other bytes."""
    out = tmp_path / "ImageNet-C"
    shutil.copytree(tree, out)
    finished, under_way = (sorted((out / "noise" / "gaussian_noise" / s).rglob("*.JPEG")) for s in "35")
    for empty in (finished[0], under_way[0]):
        empty.write_bytes(b"")
    under_way[1].write_bytes(under_way[2].read_bytes())
    kept = read(out)
    assert kept is not None
    del (cells := dict(kept.digests))["gaussian_noise/5"]
    replace(kept, digests=cells).write(out)
    config = GenerationConfig("imagenet-c", tree.parent / "val", None, 0, out, grouped=True)
    generate(config, ["gaussian_noise"], workers=1)
    assert _tree(out) == _tree(tree)


def _own(root: Path, *names: str) -> Path:
    for k, name in enumerate(names):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (60, 60), (20 * k, 90, 90)).save(path)
    return root


@pytest.mark.slow
def test_folders_within_class_folders_are_kept(tmp_path: Path) -> None:
    """The tree reads back image for image, whichever order its numbered classes are then put in."""
    root = _own(tmp_path / "set", "1/x.png", "1/deep/x.png", "2/x.png", "10/x.png", "10/images/y.png")
    (root / "2" / "notes.txt").write_text("")
    notes: list[str] = []
    out = tmp_path / "tree"
    generate(
        GenerationConfig("folder-c", root, None, 0, out), ["brightness"], workers=1, on_note=notes.append
    )
    passed_over, enlarged = notes
    assert passed_over == f"passed over in {root}: files with another ending: 1 (such as 2/notes.txt)"
    assert "small images are enlarged" in enlarged
    files = {
        path.relative_to(out / "brightness" / "3").as_posix() for path in out.glob("brightness/3/**/*.JPEG")
    }
    assert files == {"1/x.JPEG", "1/deep/x.JPEG", "2/x.JPEG", "10/x.JPEG", "10/y.JPEG"}
    with pytest.raises(InputError, match="the order of the class folders is not clear"):
        open_data("folder-c", root=out, corruptions=["brightness"])
    for classes in ("text", "numbers"):
        stored = open_data("folder-c", root=out, corruptions=["brightness"], classes=classes)
        clean = open_data("folder-c", root=root, classes=classes)
        assert stored.labels.tolist() == clean.labels.tolist()


def test_two_images_of_one_name_are_refused(tmp_path: Path) -> None:
    """The second would be written over the first, or not at all."""
    root = _own(tmp_path / "set", "cat/x.png", "cat/x.jpg", "dog/y.png")
    with pytest.raises(
        InputError, match=r"got cat/x\.jpg and cat/x\.png, which both become cat/x\.JPEG: rename"
    ):
        generate(GenerationConfig("folder-c", root, None, 0, tmp_path / "tree"), ["brightness"], workers=1)


@pytest.mark.slow
def test_labels_that_are_written_need_an_order(tmp_path: Path) -> None:
    """CIFAR's layout has a file of labels: numbered folders that sort two ways are asked for."""
    root = tmp_path / "set"
    for k in range(100):
        (root / str(k)).mkdir(parents=True)
        Image.new("RGB", (32, 32), (2 * k, 0, 0)).save(root / str(k) / "0.png")
    with pytest.raises(InputError, match="the order of the class folders is not clear"):
        generate(GenerationConfig("cifar100-c", root, None, 0, tmp_path / "out"), ["brightness"], workers=1)
    config = GenerationConfig("cifar100-c", root, None, 0, tmp_path / "out", classes="numbers")
    generate(config, ["brightness"], workers=1)
    labels = np.load(tmp_path / "out" / "labels.npy")[:100].tolist()
    clean = config.open().clean
    assert clean is not None
    assert labels == [value // 2 for value in clean.images[:][:, 0, 0, 0].tolist()]
