"""The cell store: what is kept is what comes back, or nothing."""

import multiprocessing
import os
import signal
import time
from pathlib import Path

import numpy as np
import pytest

from ppbench.errors import InputError
from ppbench.evaluation.answers import FIELDS, Answers
from ppbench.evaluation.store import CellStore, DamagedEntryError, key_of


def _answers(n: int = 5, seed: int = 0) -> Answers:
    random = np.random.default_rng(seed)
    return Answers(
        predictions=random.integers(0, 10, n).astype(np.int32),
        confidences=random.random(n, np.float32),
        nll=random.random(n, np.float32),
        brier=random.random(n, np.float32),
        in_top5=random.random(n) < 0.5,
    )


def _same(first: Answers, second: Answers) -> bool:
    return all(
        np.array_equal(getattr(first, name), getattr(second, name))
        and getattr(first, name).dtype == getattr(second, name).dtype
        for name in FIELDS
    )


@pytest.fixture
def store(tmp_path: Path) -> CellStore:
    """An empty store."""
    made = CellStore(tmp_path / "cells")
    made.prepare()
    return made


KEY = key_of({"a": 1})


def test_what_is_put_comes_back(store: CellStore) -> None:
    """Every array returns with its values and its type; another key has nothing."""
    store.put(KEY, _answers())
    found = store.get(KEY)
    assert found is not None
    assert _same(found, _answers())
    assert store.get(key_of({"a": 2})) is None


def test_keys_depend_on_every_fact_but_not_on_their_order() -> None:
    """The same facts in another order are the same cell; any other value is another cell."""
    assert key_of({"a": 1, "b": "x"}) == key_of({"b": "x", "a": 1})
    assert len({key_of({"a": 1}), key_of({"a": 2}), key_of({"a": "1"}), key_of({"a": 1, "b": None})}) == 4


@pytest.mark.parametrize("place", [0, 20, 80, 200, -1])
def test_a_flipped_bit_is_noticed(store: CellStore, place: int) -> None:
    """Wherever the bit is, the entry is refused and not read as other answers."""
    store.put(KEY, _answers())
    path = store.path(KEY)
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(content)
    with pytest.raises(DamagedEntryError, match="damaged"):
        store.get(KEY)


def test_a_cut_entry_is_noticed(store: CellStore) -> None:
    """However much is missing, and even if nothing is left."""
    store.put(KEY, _answers())
    path = store.path(KEY)
    content = path.read_bytes()
    for length in (0, 1, 30, 79, len(content) // 2, len(content) - 1):
        path.write_bytes(content[:length])
        with pytest.raises(DamagedEntryError):
            store.get(KEY)


def test_a_store_that_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    """A file in the store's place is a mistake of the user's, and the line says what to set."""
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="PPBENCH_CACHE"):
        CellStore(tmp_path / "file" / "cells").prepare()


def test_clearing_removes_every_cell(store: CellStore) -> None:
    """Size and number are those of the finished cells; after clearing there are none."""
    for number in range(3):
        store.put(key_of({"n": number}), _answers())
    assert len(store.entries()) == 3
    assert store.size() == sum(path.stat().st_size for path in store.entries())
    assert store.clear() == 3
    assert store.entries() == []


def test_clearing_removes_what_dead_processes_left(store: CellStore) -> None:
    """Locks and half-written files of processes that were killed go, those of a live one stay."""
    dead, live = key_of({"dead": 1}), key_of({"live": 1})
    for key in (dead, live):
        store.path(key).parent.mkdir(parents=True, exist_ok=True)
        store.path(key).with_suffix(".lock").touch()
        store.path(key).with_name(f".{key}.cell.x1_y2z3.part").write_bytes(b"half")
    store.path(dead).with_name(f".{dead}.cell.second.part").write_bytes(b"half")
    with store.locked(live, wait=False) as mine:
        assert mine
        assert store.clear() == 0
        left = {path.name for path in store.folder.rglob("*") if path.is_file()}
        assert left == {f"{live}.lock", f".{live}.cell.x1_y2z3.part"}
    assert store.clear() == 0
    assert not [path for path in store.folder.rglob("*") if path.is_file()]


def _hold(folder: Path, ready: "multiprocessing.synchronize.Event") -> None:
    with CellStore(folder).locked(KEY, wait=False):
        ready.set()
        time.sleep(60)


def test_a_claim_excludes_other_processes_and_ends_with_its_own(store: CellStore) -> None:
    """While a process holds a claim nobody else gets it; a SIGKILL gives it back."""
    context = multiprocessing.get_context("spawn")
    ready = context.Event()
    process = context.Process(target=_hold, args=(store.folder, ready))
    process.start()
    assert ready.wait(30)
    with store.locked(KEY, wait=False) as mine:
        assert not mine
    assert process.pid is not None
    os.kill(process.pid, signal.SIGKILL)
    process.join(10)
    with store.locked(KEY, wait=False) as mine:
        assert mine
