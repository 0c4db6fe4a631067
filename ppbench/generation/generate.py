"""Generating a published set: which cells are left to make, and making them on all cores."""

import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

import corruptions
from ppbench import __version__
from ppbench.data.sets import DataSource, open_data
from ppbench.errors import InputError
from ppbench.generation import manifest as manifests
from ppbench.generation import npy_layout
from ppbench.scoring.names import SEVERITIES

BATCH = 250

Cell = tuple[str, int]


@dataclass(frozen=True)
class Order:
    """What a worker needs to make cells: everything but the cells themselves; it opens the clean images itself."""

    data: str
    root: Path | None
    limit: int | None
    seed: int
    out: Path


def generate(
    order: Order,
    names: Sequence[str],
    *,
    workers: int | None = None,
    on_cell: Callable[[Cell, int], None] = lambda _cell, _total: None,
) -> manifests.Manifest:
    """Write corruptions of a clean set in the CIFAR-C layout, all five severities of each.

    What an earlier call finished is not made again; the bytes are those of one undisturbed call.

    Args:
        order: what to corrupt, and the folder to write to.
        names: the corruptions.
        workers: processes; None takes one for each core.
        on_cell: called for each finished cell, with the number of all cells.

    Raises:
        InputError: bad input, or the folder holds another set.
        OSError: the disk is full or the folder cannot be written to; what is finished stays.
    """
    source = open_data(order.data, root=order.root, source="generated", limit=order.limit, seed=order.seed)
    protocol = corruptions.protocol(source.protocol)
    if protocol.storage_quality is not None:
        raise InputError(
            f"expected a data set in the .npy layout (cifar10-c, cifar100-c, digits-c), got {order.data!r}"
        )
    found = manifests.resume(order.out, _facts(order, source, names))
    order.out.mkdir(parents=True, exist_ok=True)
    _sweep(order.out)
    found.write(order.out)
    npy_layout.write_labels(order.out, source.labels)
    total = len(names) * len(SEVERITIES)
    todo = []
    for name in names:
        for severity in SEVERITIES:
            if found.has(name, severity) and _exists(order.out, name, severity):
                on_cell((name, severity), total)
            else:
                todo.append((name, severity))
    for (name, severity), digest in _made(order, todo, workers):
        found = found.with_cell(name, severity, digest)
        found.write(order.out)
        on_cell((name, severity), total)
        _join_if_whole(order.out, name, found)
    for name in names:  # those whose last cell an earlier call made
        _join_if_whole(order.out, name, found)
    cells = order.out / npy_layout.CELLS
    if cells.is_dir() and not any(cells.iterdir()):
        cells.rmdir()
    return found


def _facts(order: Order, source: DataSource, names: Sequence[str]) -> dict[str, Any]:
    return {
        "made_by": f"ppbench {__version__}",
        "data": source.name,
        "protocol": source.protocol,
        "limit": order.limit,
        "seed": order.seed,
        "images": len(source.ids),
        "clean_digest": source.digest,
        "corruptions": {name: corruptions.code_version(name) for name in names},
    }


def _exists(out: Path, name: str, severity: int) -> bool:
    return npy_layout.joined_path(out, name).exists() or npy_layout.cell_path(out, name, severity).exists()


def _join_if_whole(out: Path, name: str, found: manifests.Manifest) -> None:
    """Join a corruption's cells when all five are there; finish a join that was killed before it tidied up."""
    left = [path for s in SEVERITIES if (path := npy_layout.cell_path(out, name, s)).exists()]
    if npy_layout.joined_path(out, name).exists():
        for path in left:
            path.unlink()
    elif len(left) == len(SEVERITIES) and all(found.has(name, severity) for severity in SEVERITIES):
        npy_layout.join(out, name)


def _sweep(out: Path) -> None:
    """Remove the temporary files of a generation that was killed."""
    for part in out.rglob(".*.part"):
        part.unlink(missing_ok=True)


def _made(order: Order, todo: Sequence[Cell], workers: int | None) -> Iterator[tuple[Cell, str]]:
    """Yield each cell and its digest as it is finished, in any order."""
    if not todo:
        return
    count = min(workers or os.cpu_count() or 1, len(todo))
    # Spawned, not forked: torch's threads do not survive a fork.
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(count, mp_context=context, initializer=_open, initargs=(order,))
    try:
        futures = {pool.submit(_make, cell): cell for cell in todo}
        for future in as_completed(futures):
            yield futures[future], future.result()
    finally:
        # An error or Ctrl-C must not wait for cells that nobody will read.
        pool.shutdown(wait=True, cancel_futures=True)


_worker: tuple[Order, DataSource]


def _open(order: Order) -> None:
    global _worker  # noqa: PLW0603  a process of a pool has no other place for what its calls share
    torch.set_num_threads(1)  # the processes share the cores among them
    source = open_data(order.data, root=order.root, source="generated", limit=order.limit, seed=order.seed)
    _worker = order, source


def _make(cell: Cell) -> str:
    order, source = _worker
    assert source.clean is not None
    clean = source.clean

    def batches() -> Iterator[npy_layout.Pixels]:
        for start in range(0, len(source.ids), BATCH):
            rows = slice(start, start + BATCH)
            yield corruptions.corrupt(
                clean.images[rows], *cell, protocol=source.protocol, ids=source.ids[rows], seed=order.seed
            )

    return npy_layout.write_cell(order.out, *cell, batches(), len(source.ids))
