"""What `--outputs` says: which outputs of a network answer for the classes of the data.

Lines of a file are read here and matched with a network and its data in `choosing_outputs`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

from ppbench.errors import InputError
from ppbench.models.output_choice import Answering

Outputs = str | PathLike[str] | Sequence[str | int]
"""What `--outputs` and `outputs=` take."""

BACKGROUND_FIRST = "background-first"
WORDS = ("subset", "all", BACKGROUND_FIRST)

_TAKES = "--outputs takes subset, all, background-first, or a file with a line for each class or each output"


@dataclass(frozen=True)
class OutputWish:
    """What a user says of outputs and classes.

    Attributes:
        kind: whether an answer is one of the data's classes, or one of all outputs.
        background_first: the first output is none of the classes, and the others are in their usual order.
        lines: of the user's file or list; empty without one.
        where: the file, for messages; empty without one.
    """

    kind: Answering = "subset"
    background_first: bool = False
    lines: tuple[str, ...] = ()
    where: str = ""

    @property
    def maps(self) -> bool:
        """Whether it says which output is which class."""
        return self.background_first or bool(self.lines)


def read_wish(outputs: Outputs | None) -> OutputWish:
    """Return what `--outputs` says.

    Args:
        outputs: ``"subset"``, ``"all"``, ``"background-first"``, a file, ``"all:background-first"``, ``"all:FILE"``, or
            the lines of such a file as a list; None is ``"subset"``.

    Raises:
        InputError: the file cannot be read, has no lines, or an empty one.
    """
    if outputs is None or outputs == "subset":
        return OutputWish()
    if not isinstance(outputs, str | PathLike):
        return OutputWish(lines=_checked("outputs", [str(line).strip() for line in outputs]), where="outputs")
    kind: Answering = "subset"
    if isinstance(outputs, str) and (outputs == "all" or outputs.startswith("all:")):
        kind, outputs = "all", outputs.removeprefix("all").removeprefix(":")
        if not outputs:
            return OutputWish(kind)
    if outputs == BACKGROUND_FIRST:
        return OutputWish(kind, background_first=True)
    path = Path(outputs).expanduser()
    return OutputWish(kind, lines=_lines(path), where=str(path))


def _lines(path: Path) -> tuple[str, ...]:
    try:
        # An editor of Windows may put a byte order mark before the first line.
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not in UTF-8 ({error.reason}): {_TAKES}") from error
    except OSError as error:
        raise InputError(f"{path}: {(error.strerror or str(error)).lower()}: {_TAKES}") from error
    while lines and not lines[-1].strip():
        del lines[-1]
    return _checked(str(path), [line.strip() for line in lines])


def _checked(where: str, lines: list[str]) -> tuple[str, ...]:
    if not lines:
        raise InputError(f"{where}: no lines: {_TAKES}")
    if "" in lines:
        raise InputError(f"{where}: line {lines.index('') + 1} is empty: {_TAKES}")
    return tuple(lines)
