"""Generating a published set: which cells are left to make, and making them on all cores."""

import multiprocessing
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

import corruptions
from corruptions.engine import sides_needed
from corruptions.jpeg import JPEG_COMPRESSION
from corruptions.names import Library
from ppbench import __version__
from ppbench.cpu_count import cpu_count
from ppbench.data.class_order import ANY
from ppbench.data.image_set import Pixels
from ppbench.data.own_name import own_name
from ppbench.data.own_size import refuse_too_small
from ppbench.data.registry import data_set
from ppbench.data.sets import open_data
from ppbench.data.source import DataSource
from ppbench.errors import InputError
from ppbench.generation import manifest as manifests
from ppbench.generation.npy_layout import NpyLayout
from ppbench.generation.tree_layout import TreeLayout, names_of
from ppbench.scoring.names import SEVERITIES

BATCH = 100

Cell = tuple[str, int]


@dataclass(frozen=True)
class GenerationConfig:
    """What a worker needs to make cells: everything but the cells themselves; it opens the clean images itself.

    Attributes:
        data: the data set's name.
        root: where its clean images are; None looks in the usual places.
        limit: a stratified subset of so many images; None takes all.
        seed: of the corruptions and of the subset.
        out: the folder to write.
        grouped: put corruptions in folders of their groups (trees of files only).
        classes: the order of class folders, as in `open_data`; only labels that are written need it.
        corruption_files: Python files with corruptions of the user's own, which every worker runs.
        jpeg_codec: whose JPEG: that of the files where they are JPEG, and of jpeg_compression.
        size: ``"own"``: images keep the size they have, which may differ from image to image.
        protocol: whose constants, at that size.
    """

    data: str
    root: Path | None
    limit: int | None
    seed: int
    out: Path
    grouped: bool = False
    classes: str | Path | Sequence[str] | None = None
    corruption_files: tuple[Path, ...] = ()
    jpeg_codec: Library = "ijg9"
    size: str | None = None
    protocol: str | None = None

    def open(self) -> DataSource:
        """Return the clean images."""
        # A tree has no labels in it: its classes are put in order by whoever reads it.
        has_labels = corruptions.protocol(data_set(self.data).protocol).storage_quality is None
        return open_data(
            self.data,
            root=self.root,
            source="generated",
            limit=self.limit,
            seed=self.seed,
            classes=self.classes or (None if has_labels else ANY),
            size=self.size,
            protocol=self.protocol,
            mixed=True,
        )


def generate(
    config: GenerationConfig,
    names: Sequence[str],
    *,
    workers: int | None = None,
    on_cell: Callable[[Cell, int], None] = lambda _cell, _total: None,
    on_note: Callable[[str], None] = lambda _line: None,
) -> manifests.Manifest:
    """Write corruptions of a clean set in its published layout, all five severities of each.

    What an earlier call finished is not made again; the bytes are those of one undisturbed call.

    Args:
        config: what to corrupt, and the folder to write to.
        names: the corruptions, as tables call them: a plug-in begins with its prefix, and is known here.
        workers: processes; None takes one for each core.
        on_cell: called for each finished cell, with the number of all cells.
        on_note: called with a line about what was passed over among the images.

    Raises:
        InputError: bad input, or the folder holds another set.
        OSError: the disk is full or the folder cannot be written to; what is finished stays.
    """
    source = config.open()
    for note in source.notes:
        on_note(note)
    layout = _layout(config, source)
    layout.check(names)
    if source.sizes is not None:
        refuse_too_small(sides_needed(map(own_name, names), SEVERITIES, source.protocol), source.sizes)
    found = manifests.resume(config.out, _facts(config, source, names))
    config.out.mkdir(parents=True, exist_ok=True)
    _sweep(config.out)
    found.write(config.out)
    if isinstance(layout, NpyLayout):
        found = replace(found, labels=layout.write_labels(source.labels))
        found.write(config.out)
    cells = [(name, severity) for name in names for severity in SEVERITIES]
    todo = [cell for cell in cells if not (found.has(*cell) and layout.has(*cell))]
    for cell in set(cells) - set(todo):
        on_cell(cell, len(cells))
    for name in names:  # those whose last cell an earlier call made
        if not any(cell[0] == name for cell in todo):
            layout.finish(name)
    for cell, digest in _made(config, todo, workers):
        found = found.with_cell(*cell, digest)
        found.write(config.out)
        on_cell(cell, len(cells))
        if all(found.has(cell[0], severity) for severity in SEVERITIES):
            layout.finish(cell[0])
    return found


def _layout(config: GenerationConfig, source: DataSource) -> NpyLayout | TreeLayout:
    """Return the layout that the data set is published in."""
    quality = corruptions.protocol(source.protocol).storage_quality
    assert source.clean is not None  # a generated source always has clean images
    if data_set(config.data).layout != "imagenet":
        if config.grouped:
            raise InputError(f"expected a data set of image files for --grouped, got {config.data}")
        return NpyLayout(config.out, len(source.ids))
    ending = ".png" if quality is None else ".JPEG"
    names = names_of(source.clean, data_set(config.data).wnids, ending)
    return TreeLayout(config.out, names, quality, config.grouped, config.jpeg_codec)


def _facts(config: GenerationConfig, source: DataSource, names: Sequence[str]) -> dict[str, Any]:
    quality = corruptions.protocol(source.protocol).storage_quality
    has_jpeg = quality is not None or JPEG_COMPRESSION.name in names
    return {
        "made_by": f"ppbench {__version__}",
        "data": source.name,
        "protocol": source.protocol,
        "jpeg_quality": quality,
        **({"jpeg_codec": config.jpeg_codec} if has_jpeg else {}),
        "grouped": config.grouped,
        "limit": config.limit,
        **({} if source.sizes is None else {"size": "own"}),
        "seed": config.seed,
        "images": len(source.ids),
        "clean_digest": source.digest,
        "corruptions": {name: corruptions.code_version(own_name(name), config.jpeg_codec) for name in names},
    }


def _sweep(out: Path) -> None:
    """Remove the temporary files of a generation that was killed."""
    for part in out.rglob(".*.part"):
        part.unlink(missing_ok=True)


def _made(config: GenerationConfig, todo: Sequence[Cell], workers: int | None) -> Iterator[tuple[Cell, str]]:
    """Yield each cell and its digest as it is finished, in any order."""
    if not todo:
        return
    count = min(workers or cpu_count(), len(todo))
    # Spawned, not forked: torch's threads do not survive a fork.
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(count, mp_context=context, initializer=_open, initargs=(config,))
    try:
        with _deaf_children():
            futures = {pool.submit(_make, cell): cell for cell in todo}
        for future in as_completed(futures):
            yield futures[future], future.result()
    finally:
        # An error or Ctrl-C must not wait for cells that nobody will read.
        pool.shutdown(wait=True, cancel_futures=True)


@contextmanager
def _deaf_children() -> Iterator[None]:
    """Have the processes that start in the block ignore Ctrl-C, which goes to all: only this one answers it."""
    if threading.current_thread() is not threading.main_thread():
        yield  # signals belong to the main thread
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


_worker: tuple[GenerationConfig, DataSource, NpyLayout | TreeLayout]


def _open(config: GenerationConfig) -> None:
    global _worker  # noqa: PLW0603  a process of a pool has no other place for what its calls share
    torch.set_num_threads(1)  # the processes share the cores among them
    for file in config.corruption_files:
        corruptions.load_file(file)  # what this process's parent registered, it does not know
    source = config.open()
    _worker = config, source, _layout(config, source)


def _make(cell: Cell) -> str:
    config, source, layout = _worker
    corruption, severity = cell
    assert source.clean is not None
    clean = source.clean

    def batches() -> Iterator[Pixels]:
        batch = 1 if source.sizes is not None and not source.sizes.alike else BATCH
        for start in range(0, len(source.ids), batch):
            rows = slice(start, start + batch)
            yield corruptions.corrupt(
                clean.images[rows],
                own_name(corruption),
                severity,
                protocol=source.protocol,
                ids=source.ids[rows],
                seed=config.seed,
                jpeg_codec=config.jpeg_codec,
                any_size=True,
            )

    return layout.write(corruption, severity, batches())
