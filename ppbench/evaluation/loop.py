"""The hot loop: every cell of a data source through every model, each image counted exactly once."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

import corruptions
from ppbench.data.sets import DataSource
from ppbench.errors import InputError
from ppbench.evaluation.cells import CLEAN, CellId
from ppbench.models.load import LoadedModel

# Clean images up to this size stay on the device for the whole run: 50,000 images of 32 pixels are 150 MB.
RESIDENT_BYTES = 2 << 30

INVALID = -1
"""The prediction that stands for logits that are not finite: always counted as an error."""


@dataclass(frozen=True)
class CellResult:
    """What one model answered on one cell: `predictions` is int32 (N,), in the order of the data source's ids."""

    model: str
    cell: CellId
    predictions: npt.NDArray[np.int32]


def evaluate_cells(
    models: Sequence[LoadedModel],
    source: DataSource,
    cells: Sequence[CellId],
    *,
    seed: int,
    batch_size: int,
    device: torch.device,
    on_batch: Callable[[CellId, int], None] = lambda _cell, _images: None,
) -> Iterator[CellResult]:
    """Yield one result for each cell and model, cell by cell; all models share each corrupted batch.

    Args:
        models: networks on `device`, in evaluation mode.
        source: the images under the cells, uint8.
        cells: what to evaluate, in this order.
        seed: seed of the generated corruptions; published files ignore it.
        batch_size: images per forward pass; the images of a cell do not depend on it.
        device: where corruptions and networks run.
        on_batch: called after each batch with the cell and the number of images done.

    Raises:
        InputError: a corruption cannot be made here (its textures are missing, say).
    """
    reader = _Reader(source, batch_size, device)
    count = len(source.ids)
    for cell in cells:
        predictions = {model.name: np.full(count, INVALID, np.int32) for model in models}
        for start in range(0, count, batch_size):
            rows = slice(start, min(start + batch_size, count))
            with torch.inference_mode():
                images = reader.batch(cell, rows, seed)
                for model in models:
                    # Only the predictions leave the device: logits of 75 cells would be gigabytes.
                    predictions[model.name][rows] = predict(model, images).cpu().numpy()
            on_batch(cell, rows.stop - rows.start)
        for model in models:
            yield CellResult(model.name, cell, predictions[model.name])


def predict(model: LoadedModel, images: Tensor) -> Tensor:
    """Return the predicted classes, int32 (N,), of uint8 images (N, 3, H, W); `INVALID` where a logit is not finite."""
    logits = model.logits(images)
    return torch.where(logits.isfinite().all(dim=1), logits.argmax(dim=1), INVALID).to(torch.int32)


class _Reader:
    """Batches of a cell on the device; clean images are kept there, so that 75 cells cost one transfer."""

    def __init__(self, source: DataSource, batch_size: int, device: torch.device) -> None:
        self._source = source
        self._device = device
        self._ids = torch.as_tensor(source.ids, dtype=torch.int64, device=device)
        height, width = source.image_size
        self._keep = len(source.ids) * height * width * 3 <= RESIDENT_BYTES
        self._batch_size = batch_size
        self._clean: dict[int, Tensor] = {}

    def batch(self, cell: CellId, rows: slice, seed: int) -> Tensor:
        """Return the uint8 images (n, 3, H, W) of some rows of a cell."""
        if cell == CLEAN:
            return self._clean_batch(rows)
        if self._source.source == "published":
            return self._to_device(self._source.cell(cell.corruption, cell.severity).images[rows])
        try:
            return corruptions.corrupt(
                self._clean_batch(rows),
                cell.corruption,
                cell.severity,
                protocol=self._source.protocol,
                ids=self._ids[rows],
                seed=seed,
            )
        except corruptions.CorruptionError as error:
            raise InputError(str(error)) from error

    def _clean_batch(self, rows: slice) -> Tensor:
        if rows.start in self._clean:
            return self._clean[rows.start]
        assert (
            self._source.clean is not None
        )  # the plan holds no clean cell, and generated sets always have clean images
        images = self._to_device(self._source.clean.images[rows])
        if self._keep:
            self._clean[rows.start] = images
        return images

    def _to_device(self, images: npt.NDArray[np.uint8]) -> Tensor:
        # Sent as uint8 and scaled there: a quarter of the bytes of float32.
        batch = torch.from_numpy(np.ascontiguousarray(images)).to(self._device)
        return batch.permute(0, 3, 1, 2).contiguous()
