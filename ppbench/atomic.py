"""Files that are there whole or not at all: written to a temporary name, flushed, renamed."""

import glob
import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from ppbench.errors import InputError
from ppbench.spelling import HANDLER


@contextmanager
def writing(path: Path, *, durable: bool = True) -> Iterator[IO[bytes]]:
    """Yield a binary file that becomes `path` when the block ends well, and vanishes when it does not.

    Args:
        path: the file to be.
        durable: wait until the disk has the bytes, so that not even a power cut leaves an empty file.

    Raises:
        OSError: the folder cannot be written to or the disk is full; `path` is then as it was.
    """
    path = Path(path)
    # In the target's own folder: a rename is atomic only within one file system.
    if durable:
        _sweep(path)
    try:
        handle, name = tempfile.mkstemp(
            prefix=f".{path.name}.{os.getpid()}.", suffix=".part", dir=path.parent
        )
    except OSError as error:
        error.filename = str(path)  # what was asked for: nobody knows the temporary name
        raise
    part = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            if durable:
                os.fsync(file.fileno())
        part.chmod(0o666 & ~_umask())  # mkstemp makes files private; results are meant to be shared
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def write_bytes(path: Path, data: bytes, *, durable: bool = True) -> None:
    """Write `data` to `path` atomically; see `writing`."""
    with writing(path, durable=durable) as file:
        file.write(data)


def write_text(path: Path, text: str) -> None:
    """Write `text` to `path` atomically, as UTF-8 with the newlines it has; names that are none are spelled out."""
    write_bytes(path, text.encode(errors=HANDLER))


def require_writable(path: Path, advice: str) -> None:
    """Prove that a file can be written, before hours of work depend on it; nothing is left behind.

    Args:
        path: the file to be; one that is there already will be replaced.
        advice: what to do otherwise, e.g. ``"choose another with --out"``.

    Raises:
        InputError: it is a folder, or nothing can be written into its folder.
    """
    if path.is_dir():
        raise InputError(f"{path}: this is a folder: {advice}")
    try:
        with tempfile.TemporaryFile(dir=path.parent):
            pass
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise InputError(
            f"{path}: cannot be written, {reason} for the folder {str(path.parent)!r}: {advice}"
        ) from None


def require_folder(folder: Path, advice: str) -> None:
    """Make a folder, and prove that files can be written into it.

    Args:
        folder: the folder to be.
        advice: what to do otherwise, e.g. ``"choose another with --out"``.

    Raises:
        InputError: it cannot be made or written to.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise InputError(
            f"{folder}: cannot be written to ({(error.strerror or str(error)).lower()}): {advice}"
        ) from error


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, in hexadecimal."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sweep(path: Path) -> None:
    """Remove what processes that were killed left of this very file."""
    for part in path.parent.glob(f".{glob.escape(path.name)}.*.part"):
        owner = part.name.removeprefix(f".{path.name}.").split(".")[0]
        if owner.isdigit() and not _alive(int(owner)):
            part.unlink(missing_ok=True)


def _alive(process: int) -> bool:
    if os.name == "nt":
        return True  # Windows has no such question: there this would be a Ctrl-C
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        pass  # somebody else's process
    return True


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
