"""What an evaluation is measured against: nothing but forward passes, and the usual way of doing it all."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from corruptions import NAMES, SEVERITIES, reference
from corruptions.batches import Pixels
from ppbench.models.loaded_model import LoadedModel

Forward = Callable[[list[Tensor]], None]


def seconds(work: Callable[[], object]) -> tuple[float, float]:
    """Return how long work takes: by the clock, and of processor time in all threads."""
    wall, busy = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - wall, time.process_time() - busy


def batches_of(model: LoadedModel, images: Tensor, size: int) -> list[Tensor]:
    """Return images (N,3,H,W) uint8 as the network's finished input, float32, channels last, in batches."""
    ready = model.prepare(images).contiguous(memory_format=torch.channels_last)
    return list(torch.split(ready, size))


@contextmanager
def by_threads(network: nn.Module) -> Iterator[Forward]:
    """Yield a forward pass of batches in which each thread takes whole ones."""
    threads = torch.get_num_threads()

    def one(batch: Tensor) -> Tensor:
        with torch.inference_mode():
            answers: Tensor = network(batch).argmax(1)
        return answers

    with ThreadPoolExecutor(threads, initializer=lambda: torch.set_num_threads(1)) as pool:
        yield lambda batches: list(pool.map(one, batches)).clear()
    torch.set_num_threads(threads)


@contextmanager
def by_operations(network: nn.Module) -> Iterator[Forward]:
    """Yield a forward pass of batches one after another, each operation spread over threads: torch's own way."""

    def forward(batches: list[Tensor]) -> None:
        with torch.inference_mode():
            for batch in batches:
                network(batch).argmax(1)

    yield forward


def faster_way(network: nn.Module, batches: list[Tensor], rounds: int = 3) -> str:
    """Return which of the two ways is faster here: it is what an evaluation has to be measured against."""
    best = {}
    for name, way in WAYS.items():
        with way(network) as forward:
            forward(batches[:2])
            best[name] = min(seconds(lambda: forward(batches))[0] for _ in range(rounds))
    return min(best, key=best.__getitem__)


WAYS = {"whole batches in threads": by_threads, "operations spread over threads": by_operations}


class OneByOne(Dataset[tuple[Tensor, int]]):
    """Every cell of a few images, each image corrupted by imagecorruptions when it is asked for."""

    def __init__(self, images: Pixels, model: LoadedModel) -> None:
        self._images = images
        self._model = model
        self._cells = [(name, severity) for name in NAMES for severity in SEVERITIES]

    def __len__(self) -> int:
        """Return the number of images in all cells."""
        return len(self._cells) * len(self._images)

    def __getitem__(self, place: int) -> tuple[Tensor, int]:
        """Return an image as the network's input, float32 (3,H,W), and a label."""
        cell, k = divmod(place, len(self._images))
        name, severity = self._cells[cell]
        pixels = reference.corrupt_one(self._images[k], name, severity, place)
        planes = torch.from_numpy(np.array(pixels)).permute(2, 0, 1)
        return self._model.prepare(planes[None])[0], 0


def usual_way(images: Pixels, model: LoadedModel, batch: int) -> float:
    """Return images a second of a loop over a DataLoader that corrupts image by image, and the forward pass.

    One loader for all cells, with as many workers as there are threads; its start counts, once. That is kinder than
    the loader for each cell that is usual.

    Args:
        images: uint8 (N,H,W,3).
        model: the network and its input contract.
        batch: images per forward pass.
    """
    reference.load()  # before the workers are forked
    data = OneByOne(images, model)
    loader = DataLoader(data, batch_size=batch, num_workers=torch.get_num_threads())
    wrong = 0
    start = time.perf_counter()
    with torch.inference_mode():
        for pixels, labels in loader:
            wrong += int((model.module(pixels).argmax(1) != labels).sum())
    return len(data) / (time.perf_counter() - start)
