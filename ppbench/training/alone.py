"""One training at a time into one file: a second one would write over the state of the first."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ppbench.errors import InputError

FILE = ".lock"


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Hold the folder of a training while the block runs; it is made, and removed again if nothing is left in it.

    The lock ends with its process, however that dies. It holds between the processes of a machine, and where the file
    system has POSIX locks also between machines.

    Raises:
        InputError: another process trains there.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / FILE
    with path.open("ab") as file:
        try:
            # A POSIX lock, not flock: the processes that read images would inherit that one, and hold on to it for some
            # seconds after a kill.
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except (BlockingIOError, PermissionError) as error:  # POSIX allows either
            raise InputError(
                f"{folder}: expected no other training at work there, got one: wait for it, or choose another --out"
            ) from error
        try:
            yield
        finally:
            # Else the file stays: were it removed here, a process that has just opened it would hold a lock on nothing.
            if folder.is_dir() and [each.name for each in folder.iterdir()] == [FILE]:
                path.unlink()
                folder.rmdir()
