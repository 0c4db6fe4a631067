"""Whether a run's files are the published ones: run.json, the line below the tables, the warning."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import ppbench
from ppbench.data.generated_set import GeneratedSet
from ppbench.data.sets import open_data
from ppbench.generation.generate import GenerationConfig, generate
from ppbench.reporting.provenance_line import data_sentence
from ppbench.runs.config import EvaluationConfig
from ppbench.runs.file_facts import all_published, file_facts, in_brief, warning
from ppbench.runs.folder import Run
from ppbench.runs.manifest import FileFacts, read_manifest
from ppbench.runs.merging import merge

OPTIONS = {"corruptions": "fog", "severities": [5], "normaliser": "none"}


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Fog on 20 digits, generated."""
    out = tmp_path_factory.mktemp("facts") / "set"
    generate(GenerationConfig("digits-c", None, 20, 3, out), ["fog"], workers=1)
    return out


@pytest.fixture
def folder(kept: Path, tmp_path: Path) -> Path:
    """A copy of it, to be spoilt."""
    shutil.copytree(kept, tmp_path / "set")
    return tmp_path / "set"


def _run(folder: Path, **options: object) -> tuple[Run, list[str]]:
    """A run on a folder, and its warnings about files."""
    warnings: list[str] = []
    run = ppbench.evaluate(
        "resnet20", data="digits-c", root=folder, on_warning=warnings.append, **OPTIONS, **options
    )
    return run, [line for line in warnings if "data verify" in line]


def _spoil(file: Path) -> None:
    """Change one level of one image."""
    images = np.load(file)
    images[0, 0, 0, 0] ^= 1
    np.save(file, images)


def test_images_made_in_memory_have_no_files() -> None:
    """run.json says null, and the line below the tables nothing."""
    run = ppbench.evaluate("resnet20", limit=10, **OPTIONS)
    assert run.manifest.data.files is None
    assert run.context.files is None


def test_a_generated_folder_is_said_to_be_as_it_was(folder: Path, tmp_path: Path) -> None:
    """In run.json file by file, and in a few words in the table that a terminal, Markdown, LaTeX and HTML show."""
    run, warnings = _run(folder, out=tmp_path / "run", limit=10)
    assert warnings == []
    facts = read_manifest(tmp_path / "run").data.files
    assert facts is not None
    assert facts.compared_with is None
    assert facts.states == {"labels.npy": "generated", "fog.npy": "generated"}
    assert set(facts.md5) == set(facts.states)
    assert "(all are as they were generated, digests checked)" in data_sentence(run.context)
    assert "digests checked" in (tmp_path / "run" / "table.md").read_text()


@pytest.mark.parametrize("store", [True, False])
def test_a_file_that_changed_is_told(store: bool, folder: Path) -> None:
    """As a warning before the work and below the tables; also where a subset leaves the changed image out."""
    _run(folder, store=store)
    _spoil(folder / "fog.npy")
    run, warnings = _run(folder, store=store, limit=10)
    assert "(1 of 2 are not as they were generated: fog.npy)" in data_sentence(run.context)
    (line,) = warnings
    assert line == (
        f"{folder}: expected files as they were generated, got others: fog.npy is changed; `ppbench data verify` says "
        "what each file is"
    )


def test_a_folder_without_a_manifest_is_not_said_to_be_checked(folder: Path) -> None:
    """Of the digits nothing is published: there is nothing to compare with, and nothing to warn of."""
    (folder / "manifest.json").unlink()
    run, warnings = _run(folder)
    assert "(files not checked: none are published)" in data_sentence(run.context)
    assert warnings == []


def test_runs_that_are_put_together_keep_what_each_says(folder: Path) -> None:
    """A table of two runs does not call the files of one checked because those of the other are."""
    part = open_data("digits-c", limit=20, seed=3).clean
    assert part is not None
    np.save(folder / "clean.npy", part.images[:])  # which without a manifest nobody would find
    checked, _ = _run(folder)
    (folder / "manifest.json").unlink()
    unchecked, _ = _run(folder)
    said = merge([checked, unchecked]).context.files
    assert said == "all are as they were generated, digests checked; files not checked: none are published"


@pytest.fixture
def cifar(test_data: Path, tmp_path: Path) -> Path:
    """A folder of CIFAR-10-C's shape: the published labels, and zeros where pixelate should be."""
    folder = tmp_path / "CIFAR-10-C"
    folder.mkdir()
    labels = np.load(test_data / "cifar10" / "test.npz")["labels"]
    np.save(folder / "labels.npy", np.tile(labels.astype(np.uint8), 5))
    _zeros(folder / "pixelate.npy")
    return folder


def _zeros(file: Path) -> None:
    # A file with a hole: 150 MB of zeros that take no room.
    np.lib.format.open_memmap(file, "w+", np.uint8, (50_000, 32, 32, 3)).flush()


def test_files_of_the_right_shape_are_not_taken_for_published(cifar: Path) -> None:
    """The worst case: all that the format checks is right, and only the sum tells."""
    images = open_data("cifar10-c", root=cifar, corruptions=["pixelate"], limit=10)
    facts = file_facts(images, ["pixelate"], EvaluationConfig(store=False))
    assert facts is not None
    assert facts.compared_with == "CIFAR-10-C"
    assert facts.states == {"labels.npy": "published", "pixelate.npy": "unknown"}
    assert set(facts.md5) == {"labels.npy", "pixelate.npy"}
    assert not all_published(facts)
    assert in_brief(facts, images) == "but not the published files: 1 of 2 differ: pixelate.npy"
    told = warning(facts, images)
    assert told is not None
    assert told.startswith(
        f"{cifar}: expected the published files of CIFAR-10-C, got others: pixelate.npy is unknown"
    )


def test_a_set_of_ones_own_is_no_published_one(cifar: Path) -> None:
    """Other labels and other images in the published shape, none of them known: told as well."""
    np.save(cifar / "labels.npy", np.zeros(50_000, np.uint8))
    images = open_data("cifar10-c", root=cifar, corruptions=["pixelate"])
    facts = file_facts(images, ["pixelate"], EvaluationConfig(store=False))
    assert in_brief(facts, images) == "but not the published files"
    assert warning(facts, images) is not None


def test_files_of_another_set_are_told(test_data: Path, tmp_path: Path) -> None:
    """CIFAR-10-C read as the digits, or as CIFAR-100-C: ten classes and 32 pixels fit both."""
    labels = np.load(test_data / "cifar10" / "test.npz")["labels"]
    np.save(tmp_path / "labels.npy", np.tile(labels.astype(np.uint8), 5))
    _zeros(tmp_path / "fog.npy")
    for name, wanted in (
        ("digits-c", "files of digits-c"),
        ("cifar100-c", "the published files of CIFAR-100-C"),
    ):
        images = open_data(name, root=tmp_path, corruptions=["fog"])
        facts = file_facts(images, ["fog"], EvaluationConfig(store=False))
        assert facts is not None
        assert facts.states == {"labels.npy": "misplaced", "fog.npy": "unknown"}
        assert in_brief(facts, images) == "but 1 of 2 are other published files: labels.npy"
        assert f"expected {wanted}, got others: labels.npy is misplaced" in (warning(facts, images) or "")


def test_a_smaller_set_looks_like_nothing_else(tmp_path: Path) -> None:
    """20 images are not read for a sum, and nobody takes them for CIFAR-10-C: the table's line is enough."""
    np.save(tmp_path / "labels.npy", np.tile(np.arange(10, dtype=np.uint8), 5))
    np.save(tmp_path / "fog.npy", np.zeros((50, 32, 32, 3), np.uint8))
    images = open_data("cifar10-c", root=tmp_path, corruptions=["fog"])
    facts = file_facts(images, ["fog"], EvaluationConfig(store=False))
    assert facts == FileFacts(
        compared_with="CIFAR-10-C", states=dict.fromkeys(("labels.npy", "fog.npy"), "unknown"), md5={}
    )
    assert in_brief(facts, images) == "but not the published files"
    assert warning(facts, images) is None


def test_image_files_are_not_checked_and_the_table_says_so() -> None:
    """Single files of the published trees have no sums; digests of generated ones are taken by `data verify` alone."""
    facts = FileFacts(compared_with=None, states={}, md5={})
    digits = open_data("digits-c", limit=1)
    said = {
        "imagenet-c": "files not checked: sums are published of the archives of image files only",
        "folder-c": "files not checked: none are published",
    }
    for name, text in said.items():
        images = replace(digits, name=name)
        assert in_brief(facts, images) == text
        made = replace(images, made=GeneratedSet("ppbench", 0))
        assert in_brief(facts, made) == "files not checked: `ppbench data verify` does it"


@pytest.mark.slow
def test_the_published_files_are_published_whoever_made_them(test_data: Path, tmp_path: Path) -> None:
    """Pixelate as `generate` writes it has the published sum: a run on it is a run on the published set."""
    folder = tmp_path / "CIFAR-10-C"
    generate(
        GenerationConfig("cifar10-c", test_data / "cifar10" / "test.npz", None, 0, folder),
        ["pixelate"],
        workers=1,
    )
    model = test_data / "pushpull-2020" / "resnet-20" / "checkpoint.pth.tar"
    warnings: list[str] = []
    run = ppbench.evaluate(
        f"resnet20={model}",
        data="cifar10-c",
        root=folder,
        corruptions="pixelate",
        severities=5,
        limit=50,
        on_warning=warnings.append,
    )
    assert not [line for line in warnings if "data verify" in line]
    assert data_sentence(run.context).startswith(
        "cifar10-c; source published (sums of all 2 files checked); protocol cifar-c"
    )
    facts = run.manifest.data.files
    assert facts is not None
    assert facts.states == dict.fromkeys(("labels.npy", "pixelate.npy"), "published")
    assert not any("generated" in note for note in run.context.notes)
