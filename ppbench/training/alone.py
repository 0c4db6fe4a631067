"""One training at a time into one file: a second one would write over the state of the first."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ppbench.errors import InputError
from ppbench.locking import held

FILE = ".lock"


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Hold the folder of a training while the block runs; it is made, and removed again if nothing is left in it.

    The lock ends with its process, however that dies: the processes that read images, which end some seconds later,
    do not hold on to it. It holds between the processes of a machine, and where the file system has locks for several
    also between machines.

    Raises:
        InputError: another process trains there.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / FILE
    with held(path, wait=False) as mine:
        if not mine:
            raise InputError(
                f"{folder}: expected no other training at work there, got one: wait for it, or choose another --out"
            )
        try:
            yield
        finally:
            if folder.is_dir() and [each.name for each in folder.iterdir()] == [FILE]:
                # Windows removes no file that is open: an empty folder stays there.
                with suppress(PermissionError):
                    path.unlink()
                    folder.rmdir()
