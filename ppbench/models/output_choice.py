"""Which outputs of a network answer for the classes of a data set that has fewer of them."""

import hashlib
from dataclasses import dataclass
from typing import Literal

Answering = Literal["subset", "all"]
"""An answer is the best of the outputs of the data's classes, or of all outputs: any other than those is an error."""


@dataclass(frozen=True)
class ClassList:
    """What the outputs of a network are called, where it says so itself.

    Attributes:
        names: class folders or WordNet ids, output 0 first.
        by: who says so, in words.
    """

    names: tuple[str, ...]
    by: str


@dataclass(frozen=True)
class OutputChoice:
    """How the outputs of a network become answers about the classes of a data set.

    Attributes:
        kind: whether an answer is one of the data's classes, or one of all outputs.
        indices: the output of each class, label 0 first.
        outputs: of the network.
        by: how the indices were found, in words.
    """

    kind: Answering
    indices: tuple[int, ...]
    outputs: int
    by: str

    @property
    def width(self) -> int:
        """How many outputs an answer is chosen among."""
        return len(self.indices) if self.kind == "subset" else self.outputs

    @property
    def digest(self) -> str:
        """SHA-256 of the indices, label 0 first, joined by line feeds."""
        return hashlib.sha256("\n".join(map(str, self.indices)).encode()).hexdigest()

    def __str__(self) -> str:
        """Return it in a few words: ``100 of 1000``, ``all 1000``."""
        return f"{len(self.indices)} of {self.outputs}" if self.kind == "subset" else f"all {self.outputs}"
