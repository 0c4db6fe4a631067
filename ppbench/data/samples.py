"""What the readers of shards have in common: images that lie in larger files, and where each of them is."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Protocol

from ppbench.data.cell_names import Said
from ppbench.errors import InputError

_LFS = b"version https://git-lfs"


class Sample(NamedTuple):
    """An image in a shard.

    Attributes:
        said: which cell it is of, as far as its row or its name says; the shard's place may say more.
        key: what it is called; empty where it has no name.
        label: a number, or the name of a class; None where there is none.
        place: where in the shard it is, as the shard's reader means it.
    """

    said: Said
    key: str
    label: int | str | None
    place: tuple[int, int]


class Shard(Protocol):
    """A file with many images in it."""

    @property
    def path(self) -> Path:
        """Where it is."""
        ...

    @property
    def class_names(self) -> tuple[str, ...] | None:
        """The classes' names, label 0 first, where the file says them."""
        ...

    def says(self) -> Said:
        """Return what a first look says of the cells in it, without reading all of it."""
        ...

    def samples(self) -> Iterator[Sample]:
        """Yield its images.

        Raises:
            InputError: it is damaged, or not as its format says.
        """
        ...

    def read(self, place: tuple[int, int]) -> bytes:
        """Return the bytes of an image file.

        Raises:
            InputError: they cannot be read.
        """
        ...


@dataclass(frozen=True)
class Failed:
    """How a shard's messages begin and end.

    Attributes:
        path: of the shard.
    """

    path: Path

    def damaged(self, error: Exception | str) -> InputError:
        """Return the error for a shard that cannot be read: in most cases it was not fetched whole."""
        try:
            with self.path.open("rb") as file:
                pointer = file.read(len(_LFS)) == _LFS
        except OSError as reason:
            return InputError(f"{self.path}: cannot be read: {(reason.strerror or str(reason)).lower()}")
        if pointer:
            return InputError(
                f"{self.path}: a pointer of Git LFS, not the file itself: fetch it with `git lfs pull`"
            )
        reason_text = " ".join(str(error).split()) or type(error).__name__
        return InputError(f"{self.path}: damaged or cut off ({reason_text}): fetch the file again")
