"""From a data source to images on the device, a chunk at a time, ahead of the device."""

from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from ppbench.data.decoded import Decoder
from ppbench.data.image_set import Images, Pixels
from ppbench.data.source import DataSource
from ppbench.evaluation.cells import CLEAN, CellId

# Clean images stay on a GPU if they take no more than this part of what is free there; ImageNet's take 7.5 GB.
_SHARE = 0.4


class Chunk(NamedTuple):
    """Consecutive images of one cell that are read and corrupted together."""

    cell: CellId
    rows: slice


@dataclass(frozen=True)
class OnDevice:
    """Images uint8 (n, 3, H, W) that are on the device, or on the way there.

    Attributes:
        images: the images.
        sent: what says that they have all arrived; None where nothing is on the way.
    """

    images: Tensor
    sent: torch.cuda.Event | None = None

    def wait(self) -> Tensor:
        """Return the images; the device, not the caller, waits for them."""
        if self.sent is not None:
            stream = torch.cuda.current_stream(self.images.device)
            stream.wait_event(self.sent)
            self.images.record_stream(stream)  # their memory is not to be reused before this stream is done
        return self.images


class Reader:
    """Reads chunks: clean images of a generated source or a clean cell, published ones otherwise.

    To be called from one thread, which may run ahead of the one that computes.
    """

    def __init__(self, source: DataSource, device: torch.device, decoder: Decoder) -> None:
        """Prepare to read.

        Args:
            source: the images.
            device: where they go.
            decoder: makes arrays of clean images that lie in files.
        """
        self._source = source
        self._device = device
        self._decoder = decoder
        self._cell = lru_cache(maxsize=1)(
            self._open
        )  # a published tree lists its files when a cell is opened
        # A stream of its own: copies on the networks' stream would wait for the networks.
        self._stream = torch.cuda.Stream(device) if device.type == "cuda" else None  # type: ignore[no-untyped-call]
        self._keeps: bool | None = None
        self._kept: dict[tuple[int, int], OnDevice] = {}

    def __call__(self, chunk: Chunk) -> OnDevice:
        """Return the images that a chunk is made from.

        Raises:
            InputError: a file is missing or damaged.
        """
        clean = chunk.cell == CLEAN or self._source.source == "generated"
        place = (chunk.rows.start, chunk.rows.stop)
        if clean and place in self._kept:
            return self._kept[place]
        images = self._cell(CLEAN if clean else chunk.cell)
        on_device = self._send(images[chunk.rows])
        if clean and self._keep(images):
            self._kept[place] = on_device
        return on_device

    def _open(self, cell: CellId) -> Images:
        if cell != CLEAN:
            return self._source.cell(cell.corruption, cell.severity).images
        # No clean cell is planned without clean images, and generated sets always have them.
        assert self._source.clean is not None
        return self._decoder(self._source.clean)

    def _send(self, images: Pixels) -> OnDevice:
        # Sent as uint8 and scaled there: a quarter of the bytes of float32.
        host = torch.from_numpy(np.require(images, requirements=["C", "W"]))
        if self._stream is None:
            return OnDevice(host.to(self._device).permute(0, 3, 1, 2).contiguous())
        with torch.cuda.stream(self._stream):
            # Only from pinned memory does a copy run beside computation.
            there = host.pin_memory().to(self._device, non_blocking=True).permute(0, 3, 1, 2).contiguous()
            return OnDevice(there, self._stream.record_event())

    def _keep(self, images: Images) -> bool:
        """Whether clean images stay on the device, so that 75 cells cost one transfer; the CPU has them already."""
        if self._keeps is None:
            self._keeps = False
            if self._stream is not None:
                free, _ = torch.cuda.mem_get_info(self._device)
                self._keeps = int(np.prod(images.shape)) <= _SHARE * free
        return self._keeps
