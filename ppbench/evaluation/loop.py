"""The hot loop: cells of a data source through every network, each image counted exactly once.

Why it is fast, in the order in which images pass:

* Clean images are decoded once; a thread reads ahead of the device, over the ends of cells (`reading`, `ahead`).
* On a GPU they are sent once, as uint8, and stay there if they fit; everything after that happens there.
* All networks share each corrupted chunk.
* On the CPU each thread takes whole chunks from the images to the answers, so that no thread waits for another. Left to
  itself torch spreads every single operation over the threads, which wait for each other at the end of each: small
  networks are slower for it, and several times slower as soon as anything else wants a core.
* On a GPU nothing waits for a batch: answers are gathered there and leave it once a cell.
"""

from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import torch
from torch import Tensor

from ppbench.data.decoded import Decoder
from ppbench.data.source import DataSource
from ppbench.device import corruption_device
from ppbench.evaluation.ahead import ahead
from ppbench.evaluation.batch_size import BatchSize
from ppbench.evaluation.cells import CLEAN
from ppbench.evaluation.generator import Generator
from ppbench.evaluation.network import Network
from ppbench.evaluation.reading import Chunk, OnDevice, Reader
from ppbench.evaluation.reduction import Reduced, fetch
from ppbench.evaluation.work import Done, OnImages, Work

# Values (images x 3 x H x W) that a thread of the CPU corrupts together: as many as hide the calls of the engine.
_LOT_VALUES = 1 << 19
_READ_AHEAD = 4  # chunks that are read before they are asked for
_UNDER_WAY = 4  # chunks that a GPU may have before it: enough to be never idle, few enough for its memory


Spread = Callable[..., Iterable[Reduced]]
"""`map`, or that of a pool of threads."""


class LocalEngine:
    """Does the work in this process, on one device."""

    def __init__(
        self,
        source: DataSource,
        networks: Sequence[Network],
        *,
        generator: Generator,
        batch: BatchSize,
        device: torch.device,
        decoder: Decoder | None = None,
    ) -> None:
        """Prepare to evaluate.

        Args:
            source: the images under the cells.
            networks: on the device.
            generator: what makes the corrupted images of a generated source.
            batch: images per forward pass; shrinks where they do not fit.
            device: where the networks are, and corruptions run where it has what they need.
            decoder: makes arrays of clean images that lie in files.
        """
        self._source = source
        self._networks = {network.name: network for network in networks}
        self._generator = generator
        self._batch = batch
        self._device = device
        self._read = Reader(source, corruption_device(device), decoder or Decoder())
        self._ids = torch.as_tensor(source.ids, dtype=torch.int64)
        self._labels = torch.as_tensor(source.labels, dtype=torch.int64, device=device)

    def evaluate(
        self, work: Iterable[Work], on_images: OnImages = lambda _cell, _images: None
    ) -> Iterator[Done]:
        """Yield each piece of work with its networks' answers, in order.

        Args:
            work: drawn a few chunks before its turn comes, in the caller's thread.
            on_images: called with the cell and the number of images done, after each chunk.

        Raises:
            InputError: the corruption cannot be made here (its textures are missing, say), or a file is damaged.
        """
        parts: dict[str, list[Reduced]] = defaultdict(list)
        chunks = self._chunks(work)
        read = ahead(chunks, lambda item: self._read(item[1]), workers=1, depth=_READ_AHEAD)
        for (job, chunk), answered in self._answered(read):
            for name, part in answered.items():
                parts[name].extend(part)
            on_images(chunk.cell, chunk.rows.stop - chunk.rows.start)
            if chunk.rows.stop == job.rows.stop:
                yield job, {name: fetch(found) for name, found in parts.items()}
                parts.clear()

    def _chunks(self, work: Iterable[Work]) -> Iterator[tuple[Work, Chunk]]:
        height, width = self._source.image_size
        size, threads = self._batch.first, torch.get_num_threads()
        for job in work:
            # On a GPU a batch, on the CPU several: as many as are worth a call, and no fewer chunks than threads.
            batches = 1
            if self._device.type == "cpu":
                worth = -(-_LOT_VALUES // (size * 3 * height * width))
                batches = max(1, min(worth, (job.rows.stop - job.rows.start) // (size * threads)))
            for start in range(job.rows.start, job.rows.stop, size * batches):
                yield job, Chunk(job.cell, slice(start, min(start + size * batches, job.rows.stop)))

    def _answered(
        self, read: Iterator[tuple[tuple[Work, Chunk], OnDevice]]
    ) -> Iterator[tuple[tuple[Work, Chunk], dict[str, list[Reduced]]]]:
        """Yield each chunk with the answers to its batches."""
        if self._device.type != "cpu":
            under_way: deque[torch.cuda.Event] = deque()
            for item, on_device in read:
                yield item, self._answer(*item, on_device, map)
                if self._device.type == "cuda":
                    under_way.append(torch.cuda.current_stream(self._device).record_event())
                    if len(under_way) > _UNDER_WAY:
                        under_way.popleft().synchronize()
            return
        threads = torch.get_num_threads()
        one_thread = partial(torch.set_num_threads, 1)
        # The reference generator draws from NumPy's global state, and is only ever called by one thread.
        alike = self._source.source == "published" or self._generator.name == "ppbench"
        try:
            if alike and all(network.many_at_once for network in self._networks.values()):
                work = ahead(
                    read,
                    lambda pair: self._answer(*pair[0], pair[1], map),
                    workers=threads,
                    depth=2 * threads,
                    at_start=one_thread,
                )
                yield from ((item, answered) for (item, _), answered in work)
            else:
                with ThreadPoolExecutor(threads, initializer=one_thread) as pool:
                    for item, on_device in read:
                        yield item, self._answer(*item, on_device, pool.map)
        finally:
            torch.set_num_threads(threads)  # what threads of the caller's own start with

    def _answer(
        self, job: Work, chunk: Chunk, on_device: OnDevice, spread: Spread
    ) -> dict[str, list[Reduced]]:
        """Return every network's answers to a chunk, in batches small enough for the device's memory."""
        return self._batch.fitting(
            lambda size: self._through(job, chunk, on_device, size, spread), self._device
        )

    def _through(
        self, job: Work, chunk: Chunk, on_device: OnDevice, size: int, spread: Spread
    ) -> dict[str, list[Reduced]]:
        with torch.inference_mode():
            images = self._corrupted(chunk, on_device.wait()).to(self._device)
            batches = torch.split(images, size), torch.split(self._labels[chunk.rows], size)
            return {
                name: list(
                    (spread if self._networks[name].many_at_once else map)(self._networks[name], *batches)
                )
                for name in job.networks
            }

    def _corrupted(self, chunk: Chunk, images: Tensor) -> Tensor:
        """Return the images of a chunk as its cell has them, uint8 (n, 3, H, W)."""
        if chunk.cell == CLEAN or self._source.source == "published":
            return images
        return self._generator.corrupt(
            images,
            chunk.cell.corruption,
            chunk.cell.severity,
            protocol=self._source.protocol,
            ids=self._ids[chunk.rows],
        )
