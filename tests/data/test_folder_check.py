"""What the files of a -C folder are, on real folders."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ppbench import __version__
from ppbench.data.folder_check import FolderCheck, check_arrays, check_folder
from ppbench.errors import InputError
from ppbench.generation.generate import GenerationConfig, generate


def _states(found: FolderCheck) -> dict[str, str]:
    return {verdict.name: verdict.state for verdict in found.verdicts}


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two corruptions of 20 digits, generated."""
    out = tmp_path_factory.mktemp("verified") / "set"
    generate(GenerationConfig("digits-c", None, 20, 3, out), ["fog", "pixelate"], workers=1)
    return out


@pytest.fixture
def folder(kept: Path, tmp_path: Path) -> Path:
    """A copy of it, to be spoilt."""
    shutil.copytree(kept, tmp_path / "set")
    return tmp_path / "set"


def test_a_generated_folder_is_as_it_was_generated(folder: Path) -> None:
    """Every file, the labels among them, with the version and the seed."""
    found = check_folder(folder)
    assert _states(found) == dict.fromkeys(("fog.npy", "labels.npy", "pixelate.npy"), "generated")
    assert {verdict.text for verdict in found.verdicts} == {f"ppbench {__version__}, seed 3"}
    assert found.of is None


def test_one_level_of_one_pixel_is_a_change(folder: Path) -> None:
    """The severity of that image is named; another file beside it is in no manifest."""
    images = np.load(folder / "fog.npy")
    images[2 * 20 + 7, 5, 5, 0] ^= 1
    np.save(folder / "fog.npy", images)
    np.save(folder / "snow.npy", images)
    found = {verdict.name: verdict for verdict in check_folder(folder).verdicts}
    assert found["fog.npy"].state == "changed"
    assert found["fog.npy"].text == f"since ppbench {__version__} generated it: severity 3"
    assert found["snow.npy"].state == "unknown"
    assert found["pixelate.npy"].state == "generated"


def test_other_labels_are_a_change(folder: Path) -> None:
    """Labels decide every error, and are checked as the images are."""
    labels = np.load(folder / "labels.npy")
    labels[-1] = (labels[-1] + 1) % 10
    np.save(folder / "labels.npy", labels)
    assert _states(check_folder(folder))["labels.npy"] == "changed"


def test_a_file_that_was_cut_off_is_a_change(folder: Path) -> None:
    """It is no array any more."""
    content = (folder / "fog.npy").read_bytes()
    (folder / "fog.npy").write_bytes(content[:-100])
    assert _states(check_folder(folder))["fog.npy"] == "changed"


def test_a_manifest_without_digests_decides_nothing(folder: Path) -> None:
    """One that an older version wrote."""
    manifest = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps({**manifest, "schema_version": 1}))
    found = check_folder(folder)
    assert set(_states(found).values()) == {"unknown"}
    assert "no digests" in found.verdicts[0].text


def test_the_published_labels_are_known_in_any_folder(test_data: Path, tmp_path: Path) -> None:
    """CIFAR-10's labels five times over as bytes: the published file, and so the folder is CIFAR-10-C."""
    labels = np.load(test_data / "cifar10" / "test.npz")["labels"]
    folder = tmp_path / "my copy"
    folder.mkdir()
    np.save(folder / "labels.npy", np.tile(labels.astype(np.uint8), 5))
    np.save(folder / "fog.npy", np.zeros((50, 32, 32, 3), np.uint8))
    found = check_folder(folder)
    assert _states(found) == {"fog.npy": "unknown", "labels.npy": "published"}
    assert found.of == "CIFAR-10-C"
    assert len(found.missing) == 18
    np.save(folder / "labels.npy", np.tile(labels.astype(np.int64), 5))
    assert _states(check_folder(folder))["labels.npy"] == "unknown"


def test_labels_under_another_name_are_misplaced(test_data: Path, tmp_path: Path) -> None:
    """A published file is recognised whatever it is called."""
    labels = np.load(test_data / "cifar10" / "test.npz")["labels"]
    np.save(tmp_path / "fog.npy", np.tile(labels.astype(np.uint8), 5))
    (verdict,) = check_folder(tmp_path).verdicts
    assert (verdict.state, verdict.text) == ("misplaced", "it is labels.npy of CIFAR-10-C")


def test_an_evaluation_checks_what_it_reads(folder: Path) -> None:
    """The labels and the corruptions asked for, a plug-in's by its own name."""
    shutil.copy(folder / "fog.npy", folder / "mist.npy")
    found = check_arrays(folder, ["pixelate", "plugin:mist"], of=None, memory=None)
    assert _states(found) == {"labels.npy": "generated", "pixelate.npy": "generated", "mist.npy": "unknown"}


@pytest.fixture(scope="module", params=[False, True], ids=["flat", "grouped"])
def kept_tree(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One corruption of three images of one's own as a tree; names that sort another way with another ending."""
    root = tmp_path_factory.mktemp("verified-tree")
    for k, name in enumerate(("cat/a.png", "cat/a.b.png", "dog/deep/a.png")):
        (root / "set" / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (60, 60), (80 * k, 90, 90)).save(root / "set" / name)
    config = GenerationConfig("folder-c", root / "set", None, 0, root / "tree", grouped=request.param)
    generate(config, ["brightness"], workers=1)
    return root / "tree"


def test_a_generated_tree_is_as_it_was_generated(kept_tree: Path, tmp_path: Path) -> None:
    """In whatever order it is read; a file written again is a change; without the manifest nothing is known."""
    tree = tmp_path / "tree"
    shutil.copytree(kept_tree, tree)
    assert _states(check_folder(tree)) == {"brightness": "generated"}
    (file,) = tree.glob("**/brightness/4/cat/a.JPEG")
    Image.new("RGB", (224, 224)).save(file, "JPEG")
    assert check_folder(tree).verdicts[0].text.endswith("severity 4")
    (tree / "manifest.json").unlink()
    (verdict,) = check_folder(tree).verdicts
    assert (verdict.state, "archives" in verdict.text) == ("unknown", True)


def test_an_image_that_is_gone_is_a_change(kept_tree: Path, tmp_path: Path) -> None:
    """As one more is."""
    shutil.copytree(kept_tree, tmp_path / "tree")
    (file,) = tmp_path.glob("tree/**/brightness/2/cat/a.JPEG")
    more = file.with_name("more.JPEG")
    file.rename(more)
    assert check_folder(tmp_path / "tree").verdicts[0].text.endswith("severity 2")
    shutil.copy(more, file)
    assert check_folder(tmp_path / "tree").verdicts[0].state == "changed"


def test_what_is_no_such_folder_is_refused(folder: Path) -> None:
    """One line; the -C folder in it is named where there is one."""
    with pytest.raises(InputError, match="got no such folder"):
        check_folder(folder / "nothing")
    with pytest.raises(InputError, match="got a file"):
        check_folder(folder / "fog.npy")
    folder.rename(folder.with_name("CIFAR-10-C"))
    with pytest.raises(InputError, match=r"expected a -C folder .*, got another one: name CIFAR-10-C in it"):
        check_folder(folder.parent)
