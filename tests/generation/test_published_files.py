"""`ppbench generate` on CIFAR-10's test images: the published files of CIFAR-10-C."""

import hashlib
from pathlib import Path

import pytest

from benchmarks.published_2020 import WITHOUT_DRAWS
from ppbench.data.folder_check import check_folder
from ppbench.data.published_sums import PUBLISHED_SUMS
from ppbench.generation.generate import GenerationConfig, generate


@pytest.mark.slow
def test_what_depends_on_no_draw_has_the_published_sums(test_data: Path, tmp_path: Path) -> None:
    """Eight files and the labels, to the last bit, whatever the seed; a check of the folder says so, too."""
    out = tmp_path / "CIFAR-10-C"
    generate(
        GenerationConfig("cifar10-c", test_data / "cifar10" / "test.npz", None, 3, out),
        WITHOUT_DRAWS,
        workers=2,
    )
    files = [*(f"{name}.npy" for name in WITHOUT_DRAWS), "labels.npy"]
    for file in files:
        found = hashlib.md5((out / file).read_bytes(), usedforsecurity=False).hexdigest()
        assert found == PUBLISHED_SUMS["CIFAR-10-C"][file], file
    checked = check_folder(out)
    assert checked.of == "CIFAR-10-C"
    assert {verdict.name: verdict.state for verdict in checked.verdicts} == dict.fromkeys(files, "published")
    assert len(checked.missing) == 11
