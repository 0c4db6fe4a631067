"""`ppbench data verify`."""

import json
from pathlib import Path

import numpy as np
import pytest

from ppbench import __version__
from ppbench.generation.generate import GenerationConfig, generate


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two corruptions of 20 digits."""
    generate(GenerationConfig("digits-c", None, 20, 0, tmp_path / "set"), ["fog", "pixelate"], workers=1)
    return tmp_path / "set"


def test_a_folder_without_doubts_ends_with_0(ppbench, folder):
    """A row a file and a line about all, on stdout; nothing on stderr."""
    done = ppbench("data", "verify", folder)
    assert (done.code, done.err) == (0, "")
    assert done.out.splitlines() == [
        f"fog.npy       generated  ppbench {__version__}, seed 0",
        f"labels.npy    generated  ppbench {__version__}, seed 0",
        f"pixelate.npy  generated  ppbench {__version__}, seed 0",
        "",
        "3 generated",
    ]


def test_a_generation_that_was_cut_off_is_told(ppbench, folder):
    """What is there is as it was generated; what was asked for and is not there is named."""
    manifest = json.loads((folder / "manifest.json").read_text())
    del manifest["cells"]["fog/3"]
    (folder / "manifest.json").write_text(json.dumps(manifest))
    (folder / "fog.npy").unlink()
    done = ppbench("data", "verify", folder)
    assert done.code == 0
    said = "2 generated; not finished: 1 (fog): the same `ppbench generate` goes on"
    assert " ".join(done.out.split()).endswith(said)


def test_a_file_that_changed_ends_with_2(ppbench, folder):
    """The table is whole, and one line on stderr names the file, what was expected and what was found."""
    images = np.load(folder / "fog.npy")
    images[0] ^= 255
    np.save(folder / "fog.npy", images)
    np.save(folder / "own.npy", images)
    done = ppbench("data", "verify", folder)
    assert done.code == 2
    assert f"fog.npy       changed    since ppbench {__version__} generated it: severity 1" in done.out
    assert done.out.endswith("2 generated, 1 changed, 1 unknown\n")
    assert max(map(len, done.out.splitlines())) <= 80
    assert done.err == (
        f"ppbench: {folder}/fog.npy: expected a published file, or one that ppbench generated, got one that was "
        "changed since; 1 more in doubt\n"
    )


def test_json_has_every_file(ppbench, folder):
    """With its state, why, and the sum that was taken."""
    done = ppbench("data", "verify", folder, "--json")
    found = json.loads(done.out)
    assert (done.code, done.err) == (0, "")
    assert (found["known"], found["set"], found["missing"]) == (True, None, [])
    assert [file["name"] for file in found["files"]] == ["fog.npy", "labels.npy", "pixelate.npy"]
    assert all(file["state"] == "generated" and len(file["md5"]) == 32 for file in found["files"])


def test_a_published_folder_says_what_is_not_there(ppbench, test_data, tmp_path):
    """Files that are not there are no doubt: nothing can be read from them."""
    labels = np.load(test_data / "cifar10" / "test.npz")["labels"]
    np.save(tmp_path / "labels.npy", np.tile(labels.astype(np.uint8), 5))
    done = ppbench("data", "verify", tmp_path)
    assert done.code == 0
    assert done.out.splitlines() == [
        "labels.npy  published  CIFAR-10-C",
        "",
        "1 published; not here: 19 (brightness.npy, contrast.npy, defocus_blur.npy, …)",
    ]


def test_a_tree_with_nothing_to_compare_with_gets_one_reason(ppbench, tmp_path):
    """Not one for each of its corruptions; no proof is no success."""
    for name in ("fog", "snow"):
        (tmp_path / name / "1" / "cat").mkdir(parents=True)
    done = ppbench("data", "verify", tmp_path)
    assert done.code == 2
    assert (
        done.out.splitlines()[0] == "all 2  unknown  sums are published of the archives of image files only"
    )
    assert done.err.count("\n") == 1


def test_another_folder_is_refused(ppbench, tmp_path):
    """With the layouts that are known."""
    done = ppbench("data", "verify", tmp_path)
    assert (done.code, done.out) == (2, "")
    assert f"{tmp_path}: expected a -C folder" in done.err
