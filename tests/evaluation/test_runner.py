"""Filling the cells of a run from the store and from the evaluator."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from ppbench.data.source import DataSource
from ppbench.evaluation.answers import FIELDS
from ppbench.evaluation.batch_size import BatchSize
from ppbench.evaluation.cells import CLEAN, CellId, plan
from ppbench.evaluation.generator import Generator
from ppbench.evaluation.loop import LocalEngine
from ppbench.evaluation.network import Network
from ppbench.evaluation.runner import Runner
from ppbench.evaluation.store import CellStore, key_of
from ppbench.evaluation.work import Done, OnImages, Work
from ppbench.models.input_spec import InputSpec
from ppbench.models.loaded_model import LoadedModel
from tests.evaluation.noise import noise_source

COUNT = 23
CELLS = plan(("gaussian_noise", "fog"), (1, 5), clean=True)


@pytest.fixture(scope="module")
def source() -> DataSource:
    """A small generated set of noise images."""
    return noise_source(COUNT)


def _model(name: str, seed: int) -> LoadedModel:
    torch.manual_seed(seed)
    module = nn.Sequential(nn.Conv2d(3, 4, 5, stride=3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    return LoadedModel(name, "test", module, InputSpec(32, (0.5, 0.5, 0.5), (0.2, 0.2, 0.2)), 4)


@pytest.fixture(scope="module")
def models() -> list[LoadedModel]:
    """Two small networks."""
    return [_model("a", 0), _model("b", 1)]


def _runner(
    source: DataSource, models: list[LoadedModel], store: CellStore | None, **options: object
) -> Runner:
    keys = {
        (model.name, cell): key_of({"m": model.name, "c": str(cell)}) for model in models for cell in CELLS
    }
    engine = LocalEngine(
        source,
        [Network(model) for model in models],
        generator=Generator(),
        batch=BatchSize(10),
        device=torch.device("cpu"),
    )
    return Runner(
        engine, [model.name for model in models], store, keys.get if store else lambda _slot: None, **options
    )  # type: ignore[arg-type]  # test options


class _Refuses:
    """An engine that must not be asked."""

    def evaluate(self, work: Iterable[Work], _on_images: OnImages) -> Iterator[Done]:
        for job in work:
            raise AssertionError(f"{job.cell} was evaluated again")
        yield from ()


def test_every_model_answers_every_image_of_every_cell_once(
    source: DataSource, models: list[LoadedModel]
) -> None:
    """The slots are models × cells, each with one answer an image, and the progress counts each cell once."""
    seen: list[tuple[CellId, int]] = []
    runner = _runner(source, models, None, on_batch=lambda cell, images: seen.append((cell, images)))
    answers = runner.run(CELLS, COUNT)
    assert set(answers) == {(model.name, cell) for model in models for cell in CELLS}
    assert {len(found.predictions) for found in answers.values()} == {COUNT}
    assert sum(images for _, images in seen) == len(CELLS) * COUNT


def test_the_clean_cell_is_the_clean_images(source: DataSource, models: list[LoadedModel]) -> None:
    """Severity 0 is evaluated on the untouched pixels, with the model's own normalisation."""
    answers = _runner(source, models, None).run([CLEAN], COUNT)
    assert source.clean is not None
    pixels = torch.from_numpy(np.asarray(source.clean.images[:])).permute(0, 3, 1, 2).float() / 255
    with torch.inference_mode():
        expected = models[0].module((pixels - 0.5) / 0.2).argmax(1)
    assert answers["a", CLEAN].predictions.tolist() == expected.tolist()


def test_finished_cells_are_not_made_again(
    source: DataSource, models: list[LoadedModel], tmp_path: Path
) -> None:
    """A second run takes everything from the store, with the same values."""
    store = CellStore(tmp_path)
    first = _runner(source, models, store).run(CELLS, COUNT)
    second = _runner(source, models, store)
    second.engine = _Refuses()
    again = second.run(CELLS, COUNT)
    for slot in first:
        for name in FIELDS:
            np.testing.assert_array_equal(getattr(first[slot], name), getattr(again[slot], name))


def test_a_run_that_stopped_half_way_goes_on(
    source: DataSource, models: list[LoadedModel], tmp_path: Path
) -> None:
    """Cells that were finished before an interruption stand; the rest is made, and the end is the same."""
    whole = _runner(source, models, None).run(CELLS, COUNT)
    store = CellStore(tmp_path)

    def interrupt(cell: CellId, _images: int) -> None:
        if cell == CELLS[2]:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        _runner(source, models, store, on_batch=interrupt).run(CELLS, COUNT)
    assert len(store.entries()) == 2 * len(models)
    resumed = _runner(source, models, store).run(CELLS, COUNT)
    assert all(np.array_equal(whole[slot].nll, resumed[slot].nll) for slot in whole)


def test_a_damaged_entry_is_reported_and_made_again(
    source: DataSource, models: list[LoadedModel], tmp_path: Path
) -> None:
    """A flipped bit costs a warning and one cell, never a wrong number."""
    store = CellStore(tmp_path)
    first = _runner(source, models, store).run(CELLS, COUNT)
    victim = store.entries()[0]
    content = bytearray(victim.read_bytes())
    content[100] ^= 4
    victim.write_bytes(content)
    warnings: list[str] = []
    again = _runner(source, models, store, on_warning=warnings.append).run(CELLS, COUNT)
    assert len(warnings) == 1
    assert victim.name in warnings[0]
    assert all(np.array_equal(first[slot].predictions, again[slot].predictions) for slot in first)
    assert victim.read_bytes() != bytes(content)


def test_fresh_makes_everything_again(source: DataSource, models: list[LoadedModel], tmp_path: Path) -> None:
    """With `fresh` the store is written, not read."""
    store = CellStore(tmp_path)
    _runner(source, models, store).run(CELLS, COUNT)
    runner = _runner(source, models, store, fresh=True)
    runner.engine = _Refuses()
    with pytest.raises(AssertionError, match="evaluated again"):
        runner.run(CELLS, COUNT)
