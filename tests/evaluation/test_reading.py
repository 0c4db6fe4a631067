"""Published files on their way to the device: one pool of readers over all cells, each image in its own."""

import os
import pickle
import threading
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from ppbench.data.cifar_c import NpyFolder
from ppbench.data.imagenet_c import TreeFolder
from ppbench.data.source import DataSource, PublishedCells
from ppbench.errors import InputError
from ppbench.evaluation.answers import Answers
from ppbench.evaluation.batch_size import BatchSize
from ppbench.evaluation.cells import CellId, plan
from ppbench.evaluation.generator import Generator
from ppbench.evaluation.loop import LocalEngine
from ppbench.evaluation.network import Network
from ppbench.evaluation.reduction import fetch
from ppbench.evaluation.work import Work
from ppbench.models.input_spec import InputSpec
from ppbench.models.loaded_model import LoadedModel

COUNT, SIDE = 24, 32
CPU = torch.device("cpu")
CELLS = plan(("fog", "snow"), (1, 2), clean=False)


@pytest.fixture
def tree(tmp_path: Path) -> TreeFolder:
    """Four cells of noise in JPEG files, in two classes."""
    random = np.random.default_rng(0)
    for cell in CELLS:
        for k in range(COUNT):
            folder = tmp_path / cell.corruption / str(cell.severity) / f"n0{k % 2}"
            folder.mkdir(parents=True, exist_ok=True)
            pixels = random.integers(0, 256, (SIDE, SIDE, 3), np.uint8)
            Image.fromarray(pixels).save(folder / f"{k:02}.JPEG")
    return TreeFolder(tmp_path, "made", SIDE, None, None, ("fog", "snow"), (1, 2))


@pytest.fixture
def npy(tmp_path: Path) -> NpyFolder:
    """The same kind of cells in `.npy` files."""
    random = np.random.default_rng(0)
    np.save(tmp_path / "labels.npy", np.tile(random.integers(0, 2, COUNT), 5))
    for name in ("fog", "snow"):
        np.save(tmp_path / f"{name}.npy", random.integers(0, 256, (5 * COUNT, SIDE, SIDE, 3), np.uint8))
    return NpyFolder(tmp_path, "made", SIDE, 2, ("fog", "snow"))


def _source(cells: PublishedCells) -> DataSource:
    labels, ids = cells.labels, np.arange(COUNT)
    options = {"clean": None, "published": cells}
    return DataSource("made", "cifar-c", "published", (SIDE, SIDE), 2, labels, ids, COUNT, **options)  # type: ignore[arg-type]  # test options


def _network() -> Network:
    torch.manual_seed(0)
    module = nn.Sequential(
        nn.Conv2d(3, 4, 5, stride=3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 2)
    )
    return Network(LoadedModel("a", "resnet20", module, InputSpec(SIDE, (0.5,) * 3, (0.2,) * 3), 2))  # type: ignore[arg-type]  # three of them


def _engine(source: DataSource) -> LocalEngine:
    return LocalEngine(source, [_network()], generator=Generator(), batch=BatchSize(5), device=CPU)


def _work() -> list[Work]:
    return [Work(cell, ("a",), slice(0, COUNT)) for cell in CELLS]


def _directly(source: DataSource, cell: CellId) -> Answers:
    images = torch.from_numpy(np.array(source.cell(cell.corruption, cell.severity).images[:])).permute(
        0, 3, 1, 2
    )
    return fetch([_network()(images.contiguous(), torch.as_tensor(source.labels))])


@pytest.mark.parametrize("kind", ["tree", "npy"])
def test_every_published_image_is_answered_in_its_cell(kind: str, request: pytest.FixtureRequest) -> None:
    """What runs ahead of the device mixes no cells and loses no image."""
    source = _source(request.getfixturevalue(kind))
    for job, made in _engine(source).evaluate(_work()):
        expected = _directly(source, job.cell)
        np.testing.assert_array_equal(made["a"].predictions, expected.predictions)
        np.testing.assert_allclose(made["a"].nll, expected.nll, rtol=1e-5)


def test_one_pool_of_threads_decodes_all_cells(tree: TreeFolder) -> None:
    """No cell starts readers of its own."""
    seen = [
        {each.ident for each in threading.enumerate() if each.name.startswith("decode")}
        for _ in _engine(_source(tree)).evaluate(_work())
    ]
    assert seen[0]
    assert all(before <= after for before, after in pairwise(seen))
    assert len(seen[-1]) <= (os.cpu_count() or 1)


def test_a_damaged_file_ends_the_run_after_the_cells_before_it(tree: TreeFolder) -> None:
    """Reading ahead finds it early; the cells before it are finished all the same, and the line names the file."""
    victim = tree.folder / "snow" / "1" / "n01" / "01.JPEG"
    victim.write_bytes(victim.read_bytes()[:200])
    done = _engine(_source(tree)).evaluate(_work())
    assert [next(done)[0].cell, next(done)[0].cell] == CELLS[:2]
    with pytest.raises(InputError, match=r"snow/1/n01/01\.JPEG: damaged, or no image"):
        next(done)


@pytest.mark.parametrize("kind", ["tree", "npy"])
def test_an_opened_folder_travels_without_its_pixels(kind: str, request: pytest.FixtureRequest) -> None:
    """Pickled it is small; where it is unpickled it reads the files there."""
    opened = request.getfixturevalue(kind)
    content = pickle.dumps(opened)
    assert len(content) < COUNT * SIDE * SIDE * 3
    again = pickle.loads(content)  # noqa: S301  our own
    for cell in CELLS:
        np.testing.assert_array_equal(
            again.cell(cell.corruption, cell.severity).images[:],
            opened.cell(cell.corruption, cell.severity).images[:],
        )
    assert again.corruption_digest("fog") == opened.corruption_digest("fog")
