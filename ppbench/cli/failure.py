"""How a failed command ends: one line on stderr and an exit code, never a traceback for a user's mistake."""

import errno
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import typer

from corruptions.errors import CorruptionError
from ppbench.errors import InputError

BAD_INPUT = 2
INTERNAL = 70
"""EX_SOFTWARE of sysexits.h; Python's own 1 would be the gate's verdict."""

INTERRUPTED = 130


def mistake(error: Exception) -> str | None:
    """Return the line for an error that is the user's or the machine's, or None for one that is ours."""
    if isinstance(error, InputError | CorruptionError):
        return " ".join(str(error).split())
    if _is_out_of_memory(error):
        return "the device ran out of memory: choose a smaller --batch-size"
    if isinstance(error, OSError) and error.errno in _FULL:
        # A write that fails names no file: it knows only the number that the file was opened under.
        place = repr(error.filename) if error.filename else "in --out, the cell store or the temporary folder"
        advice = "make room (`ppbench cache --clear` may) and run the command again"
        return f"the disk is full, cannot write {place}: {advice}"
    if isinstance(error, OSError) and error.strerror:
        place = f" {error.filename!r}" if error.filename else ""
        advice = {
            errno.EACCES: "choose a place you may write to",
            errno.EROFS: "choose a place you may write to",
        }.get(error.errno or 0, "check the path")
        return f"cannot use{place}: {error.strerror.lower()}; {advice}"
    return None


_FULL = (errno.ENOSPC, errno.EDQUOT)


@contextmanager
def interruptible(line: str) -> Iterator[None]:
    """End with one line and exit code 130 when the block is interrupted."""
    try:
        yield
    except KeyboardInterrupt:
        typer.echo(f"ppbench: interrupted: {line}", err=True)
        raise typer.Exit(INTERRUPTED) from None


def _is_out_of_memory(error: Exception) -> bool:
    torch = sys.modules.get("torch")  # looked up, not imported: an error should not take seconds to print
    return torch is not None and isinstance(error, torch.OutOfMemoryError)
