"""The hot loop: the same answers however the images are cut into chunks, batches and threads."""

import threading
from collections.abc import Iterator

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from ppbench.data.source import DataSource
from ppbench.errors import InputError
from ppbench.evaluation.answers import FIELDS, Answers
from ppbench.evaluation.batch_size import BatchSize, first_batch_size
from ppbench.evaluation.cells import CLEAN, CellId
from ppbench.evaluation.generator import Generator
from ppbench.evaluation.loop import LocalEngine
from ppbench.evaluation.network import Network
from ppbench.evaluation.work import Work
from ppbench.models.input_spec import InputSpec
from ppbench.models.loaded_model import LoadedModel
from tests.evaluation.noise import noise_source

COUNT = 61
CPU = torch.device("cpu")
CELLS = [CLEAN, CellId("gaussian_noise", 3), CellId("jpeg_compression", 5)]


@pytest.fixture(scope="module")
def source() -> DataSource:
    """A small generated set of noise images."""
    return noise_source(COUNT)


class _Small(nn.Module):
    """A small network that can run out of memory, as a device would."""

    def __init__(self, seed: int, room: int | None = None) -> None:
        super().__init__()
        torch.manual_seed(seed)
        self.body = nn.Sequential(
            nn.Conv2d(3, 8, 5, stride=3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 4)
        )
        self.room = room
        self.seen: list[int] = []

    def forward(self, x: Tensor) -> Tensor:
        """Answer, unless there are more images than there is room for."""
        self.seen.append(len(x))
        if self.room is not None and len(x) > self.room:
            raise torch.OutOfMemoryError("out of memory")
        logits: Tensor = self.body(x)
        return logits


def _model(name: str, module: nn.Module, *, ours: bool = True) -> LoadedModel:
    spec = InputSpec(32, (0.5, 0.5, 0.5), (0.2, 0.2, 0.2))
    return LoadedModel(name, "resnet20" if ours else "FILE.py:net", module, spec, 4)


def _answers(
    source: DataSource, networks: list[Network], batch: int = 8, cells: list[CellId] = CELLS, **options: str
) -> dict[tuple[str, CellId], Answers]:
    engine = LocalEngine(source, networks, generator=Generator(**options), batch=BatchSize(batch), device=CPU)
    names = tuple(network.name for network in networks)
    work = [Work(cell, names, slice(0, COUNT)) for cell in cells]
    return {
        (name, job.cell): answers for job, made in engine.evaluate(work) for name, answers in made.items()
    }


def _same(first: dict[tuple[str, CellId], Answers], second: dict[tuple[str, CellId], Answers]) -> None:
    assert first.keys() == second.keys()
    for slot, answers in first.items():
        np.testing.assert_array_equal(answers.predictions, second[slot].predictions)
        for field in FIELDS:
            np.testing.assert_allclose(getattr(answers, field), getattr(second[slot], field), rtol=1e-5)


@pytest.fixture
def four_threads() -> Iterator[None]:
    """More threads than this machine may have cores."""
    before = torch.get_num_threads()
    torch.set_num_threads(4)
    yield
    torch.set_num_threads(before)


def test_answers_do_not_depend_on_batches_and_threads(source: DataSource, four_threads: None) -> None:
    """Networks of ours by chunks in threads, a foreign one in one thread, any batch size: the same answers."""
    whole = _answers(source, [Network(_model("a", _Small(0))), Network(_model("b", _Small(1)))], batch=64)
    foreign = Network(_model("b", _Small(1), ours=False))
    for batch in (1, 7, 50):
        _same(whole, _answers(source, [Network(_model("a", _Small(0))), foreign], batch=batch))
        _same(
            whole,
            _answers(source, [Network(_model("a", _Small(0))), Network(_model("b", _Small(1)))], batch=batch),
        )
    assert torch.get_num_threads() == 4


def test_a_foreign_network_is_called_by_one_thread_only(source: DataSource, four_threads: None) -> None:
    """It may keep things between calls."""
    threads: set[int] = set()

    class Watched(_Small):
        def forward(self, x: Tensor) -> Tensor:
            threads.add(threading.get_ident())
            return super().forward(x)

    _answers(source, [Network(_model("a", _Small(0))), Network(_model("w", Watched(1), ours=False))])
    assert threads == {threading.get_ident()}


@pytest.mark.parametrize("ours", [True, False])
def test_running_out_of_memory_halves_the_batch_and_loses_nothing(source: DataSource, ours: bool) -> None:
    """A network with room for 10 images gets 64, 32, 16 and then 8, and answers every image of every cell."""
    tight = _Small(0, room=10)
    batch = BatchSize(64)
    engine = LocalEngine(
        source, [Network(_model("a", tight, ours=ours))], generator=Generator(), batch=batch, device=CPU
    )
    seen: list[int] = []
    work = [Work(cell, ("a",), slice(0, COUNT)) for cell in CELLS]
    found = {
        ("a", job.cell): made["a"]
        for job, made in engine.evaluate(work, lambda _, images: seen.append(images))
    }
    assert batch.images == 8
    assert sum(seen) == COUNT * len(CELLS)
    # No batch is larger than the room once that is known, but for chunks that other threads had begun.
    assert tight.seen[-8:] == [8] * 7 + [COUNT % 8]
    _same(found, _answers(source, [Network(_model("a", _Small(0), ours=ours))]))


def test_no_room_for_one_image_is_one_line(source: DataSource) -> None:
    """It says so, and does not try for ever."""
    with pytest.raises(InputError, match="ran out of memory with one image at a time"):
        _answers(source, [Network(_model("a", _Small(0, room=0)))])


def test_other_errors_of_torch_are_not_taken_for_a_lack_of_memory(source: DataSource) -> None:
    """A network of the wrong shape fails at once, and is not tried with smaller batches."""
    broken = _Small(0)
    broken.body[4] = nn.Linear(7, 4)
    with pytest.raises(RuntimeError, match="shapes cannot be multiplied"):
        _answers(source, [Network(_model("a", broken))])
    assert min(broken.seen) > 1


def test_a_batch_size_is_halved_once_however_many_threads_found_it_too_large() -> None:
    """Two threads that both failed with 50 go on with 25, not with 12."""
    batch = BatchSize(50)
    batch.halve(50)
    batch.halve(50)
    assert batch.images == 25


def test_the_first_batch_size_is_a_power_of_two_on_a_gpu() -> None:
    """Few images of 224 pixels, many of 32; on the CPU what suits its cache."""
    assert first_batch_size(torch.device("cuda"), (224, 224)) == 256
    assert first_batch_size(torch.device("cuda"), (32, 32)) == 4096
    assert first_batch_size(CPU, (32, 32)) == 50


def test_the_reference_generator_is_called_by_one_thread(source: DataSource, four_threads: None) -> None:
    """It draws from NumPy's global state: in two threads at once it would not give the same images twice."""
    cells = [CellId("gaussian_noise", 3)]
    networks = [Network(_model("a", _Small(0)))]
    first = _answers(source, networks, batch=4, cells=cells, name="imagecorruptions")
    _same(first, _answers(source, networks, batch=64, cells=cells, name="imagecorruptions"))
