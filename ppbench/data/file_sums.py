"""The sums of the files of a -C folder, and the memory of them.

An array is read once for both sums: the MD5 of the whole file, by which published files are known, and a SHA-256 of
each severity's data, which is what the manifest of `ppbench generate` has.
"""

import hashlib
import json
import os
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO

import numpy as np

from ppbench import atomic
from ppbench.data.severities import SEVERITIES
from ppbench.errors import InputError

FOLDER = "sums"
"""What the folder of remembered sums is called in the cache folder."""

_CHUNK = 1 << 20
_SETTLED_NS = 2_000_000_000  # a file that is written to again so much later certainly has another time
_HEADERS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}


@dataclass(frozen=True)
class Sums:
    """The sums of a file.

    Attributes:
        md5: of all its bytes, in hexadecimal.
        blocks: SHA-256, in hexadecimal, of the data of each severity; empty where they were not asked for, or the file
            is no `.npy` array of five.
    """

    md5: str
    blocks: tuple[str, ...] = ()


def sums_of(path: Path, *, blocks: bool) -> Sums:
    """Return the sums of a file, which is read from end to end.

    Args:
        path: the file.
        blocks: whether those of each severity are wanted, too.

    Raises:
        InputError: it cannot be read.
    """
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            start = _start_of_data(file, size) if blocks else None
            file.seek(0)
            md5 = hashlib.md5(usedforsecurity=False)
            found = []
            for chunk in _chunks(file, size if start is None else start):
                md5.update(chunk)
            for _ in range(0 if start is None else len(SEVERITIES)):
                block = hashlib.sha256()
                for chunk in _chunks(file, (size - (start or 0)) // len(SEVERITIES)):
                    md5.update(chunk)
                    block.update(chunk)
                found.append(block.hexdigest())
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise InputError(f"{path}: expected a file that can be read, got {reason}") from error
    return Sums(md5.hexdigest(), tuple(found))


def remembered_sums(path: Path, memory: Path | None, *, blocks: bool) -> Sums:
    """Return the sums of a file; one that has not been written to since is not read again.

    Size, times of the last change and number on the disk tell whether it has.

    Args:
        path: the file.
        memory: the folder to remember them in; None remembers nothing.
        blocks: whether the sums of each severity are wanted, too.

    Raises:
        InputError: the file cannot be read.
    """
    if memory is None:
        return sums_of(path, blocks=blocks)
    name = hashlib.sha256(os.fsencode(path.resolve())).hexdigest()
    place = memory / f"{name}{'-blocks' if blocks else ''}.json"
    with suppress(OSError, ValueError, KeyError, TypeError):
        content = json.loads(place.read_text(encoding="utf-8"))
        if content["state"] == _state(path):
            return Sums(str(content["md5"]), tuple(content["blocks"]))
    now = time.time_ns()
    before = _state(path)
    sums = sums_of(path, blocks=blocks)
    # Clocks of file systems are coarse: a file of just now could change and keep its time.
    if before == _state(path) and now - max(before[1:3]) > _SETTLED_NS:
        with suppress(OSError):  # a memory that cannot be kept costs a second next time
            memory.mkdir(parents=True, exist_ok=True)
            atomic.write_text(place, json.dumps({"state": before, **asdict(sums)}))
    return sums


def forget_sums(memory: Path) -> None:
    """Remove what is remembered."""
    for path in memory.glob("*.json"):
        path.unlink(missing_ok=True)


def _state(path: Path) -> list[int]:
    try:
        found = path.stat()
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise InputError(f"{path}: expected a file that can be read, got {reason}") from error
    return [found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino]


def _start_of_data(file: IO[bytes], size: int) -> int | None:
    """Return where the data of a `.npy` array of five equal parts begins; None if the file is not a whole one."""
    try:
        shape, fortran, dtype = _HEADERS[np.lib.format.read_magic(file)](file)
    except (ValueError, KeyError):
        return None
    start = file.tell()
    rows = shape[0] if shape else 0
    whole = size - start == dtype.itemsize * int(np.prod(shape, dtype=np.int64))
    return start if whole and rows and rows % len(SEVERITIES) == 0 and not fortran else None


def _chunks(file: IO[bytes], count: int) -> Iterator[bytes]:
    """Yield the next `count` bytes of a file, in handy pieces."""
    while count and (chunk := file.read(min(count, _CHUNK))):
        yield chunk
        count -= len(chunk)
