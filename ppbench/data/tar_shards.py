"""WebDataset shards: tar files in which the files of a sample share a name up to its first point.

Read with the standard library, not with the package webdataset: that one streams, and an image here is asked for by its
number, by several threads, in any order. A shard's headers are read once, and then each image from its own place.
"""

import json
import os
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from threading import Lock
from typing import Any

from ppbench.data.cell_names import CORRUPTION_FIELDS, SEVERITY_FIELDS, Said, of_fields, of_folders
from ppbench.data.class_folders import SUFFIXES
from ppbench.data.samples import Failed, Sample
from ppbench.errors import InputError

_LABELS = ("cls", "label")
"""The endings of a label's file, and what it is called in a sample's JSON."""

_LONGEST = 1 << 20  # bytes of a label or a JSON
_IMAGES = tuple(suffix.removeprefix(".") for suffix in SUFFIXES)


@dataclass(eq=False)
class TarShard:
    """An uncompressed tar file; `read` may be called by several threads.

    Attributes:
        path: where it is.
    """

    path: Path
    class_names: tuple[str, ...] | None = None
    _lock: Lock = field(default_factory=Lock, repr=False)
    _file: int | None = field(default=None, repr=False)

    def __getstate__(self) -> dict[str, Any]:
        """Return what another process needs: it opens the file for itself."""
        return {"path": self.path.resolve(), "class_names": self.class_names}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Take it over."""
        vars(self).update(state, _lock=Lock(), _file=None)

    def says(self) -> Said:
        """Return what the name of the first image says, or its JSON."""
        try:
            return next(self.samples(), Sample(Said(), "", None, (0, 0))).said
        except InputError:
            return Said()

    def samples(self) -> Iterator[Sample]:
        """Yield its images, in their order.

        Raises:
            InputError: it is compressed or damaged, or a sample has two images or none that is told from its label.
        """
        name, parts = None, dict[str, tarfile.TarInfo]()
        try:
            with tarfile.open(self.path, "r:") as archive:
                for member in archive:
                    if not member.isfile() or PurePosixPath(member.name).name.startswith("."):
                        continue
                    folder, _, file = member.name.removeprefix("./").rpartition("/")
                    stem, _, ending = file.partition(".")
                    key = f"{folder}/{stem}" if folder else stem
                    if key != name:
                        if name is not None and (sample := self._sample(archive, name, parts)):
                            yield sample
                        name, parts = key, {}
                    parts[ending.lower()] = member
                self._check_end(archive)
                if name is not None and (sample := self._sample(archive, name, parts)):
                    yield sample
        except tarfile.ReadError as error:
            reason = str(error)
            if self._is_gzip():
                reason = "it is compressed: unpack it with gunzip"
            raise Failed(self.path).damaged(reason) from error
        except OSError as error:
            raise Failed(self.path).damaged(error) from error

    def read(self, place: tuple[int, int]) -> bytes:
        """Return the bytes at (offset, size).

        Raises:
            InputError: the file is gone, or has become shorter.
        """
        offset, size = place
        try:
            with self._lock:
                if self._file is None:
                    self._file = os.open(self.path, os.O_RDONLY)
            content = os.pread(self._file, size, offset)
        except OSError as error:
            raise Failed(self.path).damaged(error) from error
        if len(content) != size:
            raise Failed(self.path).damaged("it ends within an image")
        return content

    def __del__(self) -> None:
        """Close the file."""
        if getattr(self, "_file", None) is not None:
            os.close(self._file)  # type: ignore[arg-type]  # not None
            self._file = None

    def _check_end(self, archive: tarfile.TarFile) -> None:
        """Refuse an archive that was cut off between two files, or in a header: tarfile takes that for its end."""
        members = archive.getmembers()
        end = (
            members[-1].offset_data + -(-members[-1].size // tarfile.BLOCKSIZE) * tarfile.BLOCKSIZE
            if members
            else 0
        )
        with self.path.open("rb") as file:
            file.seek(end)
            if file.read(tarfile.BLOCKSIZE) != bytes(tarfile.BLOCKSIZE):
                raise Failed(self.path).damaged("it ends without the mark of an archive's end")

    def _sample(
        self, archive: tarfile.TarFile, name: str, parts: dict[str, tarfile.TarInfo]
    ) -> Sample | None:
        """Return a sample; None of files among which there is no image."""
        images = [ending for ending in parts if ending.rpartition(".")[2] in _IMAGES]
        if not images:
            return None
        if len(images) > 1:
            raise InputError(
                f"{self.path}: {name}: expected one image in a sample, got {', '.join(sorted(images))}"
            )
        folders = PurePosixPath(name).parts[:-1]
        said, label = of_folders(folders), self._label(archive, name, parts)
        about = self._json(archive, name, parts)
        if about:
            value = {
                key: next((about[each] for each in names if each in about), None)
                for key, names in _FIELDS.items()
            }
            said = of_fields(value["corruption"], value["severity"]).or_else(said)
            label = value["label"] if label is None else label
        if label is None and folders:
            label = folders[-1]  # class folders, packed as they are
        image = parts[images[0]]
        return Sample(said, name, label, (image.offset_data, image.size))

    def _label(
        self, archive: tarfile.TarFile, name: str, parts: dict[str, tarfile.TarInfo]
    ) -> int | str | None:
        member = next((parts[ending] for ending in _LABELS if ending in parts), None)
        if member is None:
            return None
        try:
            text = self._content(archive, member).decode().strip()
        except UnicodeDecodeError as error:
            raise InputError(
                f"{self.path}: {name}: expected its label as a number or a name in text"
            ) from error
        return int(text) if text.isdecimal() else text

    def _json(self, archive: tarfile.TarFile, name: str, parts: dict[str, tarfile.TarInfo]) -> dict[str, Any]:
        if "json" not in parts:
            return {}
        try:
            found = json.loads(self._content(archive, parts["json"]))
        except ValueError as error:
            raise InputError(
                f"{self.path}: {name}: its JSON is damaged ({error}): fetch the file again"
            ) from error
        return found if isinstance(found, dict) else {}

    def _content(self, archive: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
        file = archive.extractfile(member)
        assert file is not None  # it is a plain file
        return file.read(_LONGEST)

    def _is_gzip(self) -> bool:
        with self.path.open("rb") as file:
            return file.read(2) == b"\x1f\x8b"


_FIELDS = {"corruption": CORRUPTION_FIELDS, "severity": SEVERITY_FIELDS, "label": _LABELS}
