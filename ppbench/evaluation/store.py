"""The cell store: finished cells under a key of everything they depend on, shared by runs and by processes.

An entry is one file: a line with the SHA-256 of the rest, then the answers as an ``.npz``. It is written under a
temporary name and renamed, so a process that dies leaves at most the cell it was working on undone.
"""

import hashlib
import io
import json
import os
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ppbench import atomic
from ppbench.data.places import cache_folder
from ppbench.errors import InputError
from ppbench.evaluation.answers import FIELDS, Answers
from ppbench.locking import held

MAGIC = b"ppbench-cell-1 "
CELLS = "cells"
"""What the store's folder is called in the cache folder."""

CHECK_SUFFIX = ".setup"
"""Of the set-up check that is kept beside a model's first cell."""


def default_folder() -> Path:
    """Return where cells are kept: ``$PPBENCH_CACHE`` or the user's cache folder."""
    return cache_folder() / CELLS


def key_of(facts: Mapping[str, Any]) -> str:
    """Return the key of a cell: the SHA-256 of all the facts its answers depend on, in canonical JSON."""
    text = json.dumps(facts, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


class DamagedEntryError(ValueError):
    """A file of the store is not what was written: its checksum does not hold."""


@dataclass(frozen=True)
class CellStore:
    """A folder of finished cells."""

    folder: Path

    def prepare(self) -> None:
        """Make the folder.

        Raises:
            InputError: it cannot be made or written to.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            if not os.access(self.folder, os.W_OK):
                raise PermissionError(13, "Permission denied")
        except OSError as error:
            raise InputError(
                f"{self.folder}: cannot keep finished cells there ({(error.strerror or str(error)).lower()}): name "
                "another "
                "folder with --cache or $PPBENCH_CACHE, or use --no-store"
            ) from error

    def path(self, key: str) -> Path:
        """Return the file of a key; two letters of it make a folder, so that none grows too large."""
        return self.folder / key[:2] / f"{key}.cell"

    def get(self, key: str) -> Answers | None:
        """Return the answers under a key, or None where there are none.

        Raises:
            DamagedEntryError: the entry is there, but its checksum does not hold.
        """
        try:
            content = self.path(key).read_bytes()
        except FileNotFoundError:
            return None
        head, _, body = content.partition(b"\n")
        if head != MAGIC + hashlib.sha256(body).hexdigest().encode():
            raise DamagedEntryError(f"{self.path(key)}: this stored cell is damaged")
        try:
            with np.load(io.BytesIO(body), allow_pickle=False) as arrays:
                return Answers(**{name: arrays[name] for name in FIELDS})
        except (KeyError, ValueError, zipfile.BadZipFile) as error:
            raise DamagedEntryError(f"{self.path(key)}: this stored cell is damaged ({error})") from error

    def written(self, key: str) -> float | None:
        """Return when the answers under a key were made, in seconds since 1970; None where there are none any more."""
        try:
            return self.path(key).stat().st_mtime
        except FileNotFoundError:
            return None

    def put(self, key: str, answers: Answers) -> None:
        """Keep answers under a key.

        Raises:
            OSError: the disk is full or the folder cannot be written to; no half entry is left.
        """
        body = io.BytesIO()
        np.savez_compressed(body, **{name: getattr(answers, name) for name in FIELDS})
        data = body.getvalue()
        self.path(key).parent.mkdir(parents=True, exist_ok=True)
        atomic.write_bytes(self.path(key), MAGIC + hashlib.sha256(data).hexdigest().encode() + b"\n" + data)

    def discard(self, key: str) -> None:
        """Remove the entry under a key."""
        self.path(key).unlink(missing_ok=True)

    @contextmanager
    def locked(self, key: str, *, wait: bool) -> Iterator[bool]:
        """Yield whether this process may make a cell; while it holds the claim no other process on this machine does.

        The claim is a file lock, which ends with its process however that dies. With `wait` it is waited for.
        """
        path = self.path(key).with_suffix(".lock")
        path.parent.mkdir(parents=True, exist_ok=True)
        with held(path, wait=wait) as mine:
            try:
                yield mine
            finally:
                if mine:
                    # Removed while still held: who waits on the old file finds the cell made, or locks a new file.
                    # Windows removes no file that is open; there the lock removes it when it is given back.
                    with suppress(PermissionError):
                        path.unlink(missing_ok=True)

    def entries(self) -> list[Path]:
        """Return the files of all finished cells."""
        return sorted(self.folder.glob("??/*.cell"))

    def size(self) -> int:
        """Return the bytes that the finished cells take."""
        return sum(path.stat().st_size for path in self.entries())

    def clear(self) -> int:
        """Remove every finished cell, and what dead processes left of others; return how many finished ones there were.

        What a live process holds a claim on stays, or it could not write its cell.
        """
        entries = self.entries()
        for path in entries:
            path.unlink(missing_ok=True)
        for path in self.folder.glob(f"??/*{CHECK_SUFFIX}"):
            path.unlink(missing_ok=True)
        left = [*self.folder.glob("??/*.lock"), *self.folder.glob("??/.*.cell.*.part")]
        keys = {path.name.lstrip(".").partition(".")[0] for path in left}
        for key in sorted(key for key in keys if len(key) == hashlib.sha256().digest_size * 2):
            with self.locked(key, wait=False) as ours:  # which removes the lock
                for path in self.path(key).parent.glob(f".{key}.cell.*.part") if ours else ():
                    path.unlink(missing_ok=True)
        return len(entries)
