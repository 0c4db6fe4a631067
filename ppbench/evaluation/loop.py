"""The hot loop: one cell of a data source through every model, each image counted exactly once."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from ppbench.data.source import DataSource
from ppbench.evaluation.answers import Answers, answers_of
from ppbench.evaluation.cells import CLEAN, CellId
from ppbench.evaluation.generator import Generator
from ppbench.models.loaded_model import LoadedModel
from ppbench.models.registry import ARCHITECTURES

# Clean images up to this size stay on the device for the whole run: 50,000 images of 32 pixels are 150 MB.
RESIDENT_BYTES = 2 << 30


BATCHES_AT_ONCE = 8
"""Batches corrupted together on the CPU: enough to keep every thread busy to the end, few enough for memory."""


def default_batch_size(device: torch.device) -> int:
    """Return images per forward pass: few on the CPU, so that activations stay in cache; many on a GPU, to fill it."""
    return 50 if device.type == "cpu" else 500


@contextmanager
def single_precision() -> Iterator[None]:
    """Keep float32 arithmetic float32: by torch's default, newer GPUs convolve it with the 10 bits of TF32."""
    convolutions, products = torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = False
    try:
        yield
    finally:
        torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32 = convolutions, products


def in_batches(model: LoadedModel, batches: Sequence[tuple[Tensor, Tensor]]) -> list[Answers]:
    """Return a model's answers to batches of images uint8 (n, 3, H, W) and labels int64 (n,), in their order.

    On the CPU each thread takes whole batches. Left to itself torch spreads every single operation over the threads,
    which wait for each other at the end of each: small networks are slower for it, and several times slower as soon
    as anything else wants a core.
    """
    device = batches[0][0].device.type
    own = model.architecture in ARCHITECTURES
    # Channels last is the layout that convolutions are fastest in, on the CPU and on tensor cores; a network that is
    # not ours may flatten its maps with `view`, which that layout does not allow.
    layout = torch.channels_last if own else torch.contiguous_format

    def work(batch: tuple[Tensor, Tensor]) -> Answers:
        # A caller's autocast would make other numbers than the single precision that is recorded.
        with torch.inference_mode(), torch.autocast(device, enabled=False):
            return answers_of(model.logits(batch[0].contiguous(memory_format=layout)), batch[1])

    threads = torch.get_num_threads()
    # A network that is not ours may keep things between calls, and is only ever called by one thread.
    alone = not own or device != "cpu"
    if alone or min(threads, len(batches)) < 2:
        return [work(batch) for batch in batches]
    torch.set_num_threads(1)  # what new threads start with
    try:
        with ThreadPoolExecutor(min(threads, len(batches))) as pool:
            return list(pool.map(work, batches))
    finally:
        torch.set_num_threads(threads)


class Evaluator:
    """Evaluates cells of one data source; keeps what they share on the device."""

    def __init__(
        self,
        source: DataSource,
        *,
        generator: Generator,
        batch_size: int,
        device: torch.device,
    ) -> None:
        """Prepare to evaluate.

        Args:
            source: the images under the cells.
            generator: what makes the corrupted images of a generated source.
            batch_size: images per forward pass.
            device: where corruptions and networks run.
        """
        self._source = source
        self._generator = generator
        self._batch_size = batch_size
        self._device = device
        self._ids = torch.as_tensor(source.ids, dtype=torch.int64, device=device)
        self._labels = torch.as_tensor(source.labels, dtype=torch.int64, device=device)
        height, width = source.image_size
        self._keep = len(source.ids) * height * width * 3 <= RESIDENT_BYTES
        self._clean: dict[int, Tensor] = {}

    def evaluate(
        self,
        cell: CellId,
        models: Sequence[LoadedModel],
        on_batch: Callable[[int], None] = lambda _images: None,
    ) -> dict[str, Answers]:
        """Return each model's answers on a cell, by model name; all models share each corrupted batch.

        Args:
            cell: which cell; `CLEAN` only where the source has clean images.
            models: networks on the evaluator's device, in evaluation mode.
            on_batch: called with the number of images, after each lot of batches.

        Raises:
            InputError: the corruption cannot be made here (its textures are missing, say).
        """
        count = len(self._source.ids)
        answers: dict[str, list[Answers]] = {model.name: [] for model in models}
        step = self._batch_size * (BATCHES_AT_ONCE if self._device.type == "cpu" else 1)
        for start in range(0, count, step):
            rows = slice(start, min(start + step, count))
            with torch.inference_mode():
                images = self._images(cell, rows)
            size = self._batch_size
            batches = list(zip(torch.split(images, size), torch.split(self._labels[rows], size), strict=True))
            with single_precision():
                for model in models:
                    answers[model.name].extend(in_batches(model, batches))
            on_batch(rows.stop - rows.start)
        return {name: Answers.concatenate(parts) for name, parts in answers.items()}

    def _images(self, cell: CellId, rows: slice) -> Tensor:
        """Return the uint8 images (n, 3, H, W) of some rows of a cell."""
        if cell == CLEAN:
            return self._clean_images(rows)
        if self._source.source == "published":
            return self._to_device(self._source.cell(cell.corruption, cell.severity).images[rows])
        return self._generator.corrupt(
            self._clean_images(rows),
            cell.corruption,
            cell.severity,
            protocol=self._source.protocol,
            ids=self._ids[rows],
        )

    def _clean_images(self, rows: slice) -> Tensor:
        """Return clean images; they stay on the device where they fit, so that 75 cells cost one transfer."""
        if rows.start in self._clean:
            return self._clean[rows.start]
        # No clean cell is planned without clean images, and generated sets always have them.
        assert self._source.clean is not None
        images = self._to_device(self._source.clean.images[rows])
        if self._keep:
            self._clean[rows.start] = images
        return images

    def _to_device(self, images: npt.NDArray[np.uint8]) -> Tensor:
        # Sent as uint8 and scaled there: a quarter of the bytes of float32.
        batch = torch.from_numpy(np.array(images, copy=None, order="C")).to(self._device)
        return batch.permute(0, 3, 1, 2).contiguous()
