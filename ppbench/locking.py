"""Locks between processes: a file that one of them holds at a time, given back however that one ends."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout


@contextmanager
def held(path: Path, *, wait: bool) -> Iterator[bool]:
    """Yield whether this process holds the lock of a file; while it does no other process of this machine can.

    The system takes a lock from a process that ends, however it ends, and processes that it has forked off have no part
    in it. Whoever holds the lock may remove the file: who waits for the old one then takes a new one. Else it stays.

    Args:
        path: of the lock; made if it is not there, in a folder that is.
        wait: wait until it is free.

    Raises:
        OSError: the file cannot be made, or its file system has no locks.
    """
    # Not bound to the thread: what a thread has taken, a generator may give back in another.
    lock = FileLock(path, thread_local=False)
    try:
        lock.acquire(blocking=wait)
        mine = True
    except Timeout:
        mine = False
    try:
        yield mine
    finally:
        if mine:
            lock.release()
