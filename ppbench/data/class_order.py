"""Which class folder has which label: by a list that is known, by a user's file, or by an order that is certain.

torchvision's ImageFolder and Keras sort class folders as text, timm by the numbers in their names: 1, 10, 2 or
1, 2, 10. Where the two differ, only a user can say which of them a network was trained with.
"""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ppbench.errors import InputError

Order = Literal["known", "text", "numbers", "file", "any"]

_SHOWN = 10  # classes that a warning spells out


@dataclass(frozen=True)
class ClassOrder:
    """What a user says of the class folders.

    Attributes:
        by: ``"text"``, ``"numbers"``, ``"file"`` for a list, or ``"any"`` where nobody will ask for labels.
        names: the list, label 0 first; empty for the others.
    """

    by: Order
    names: tuple[str, ...] = ()


ANY = ClassOrder("any")


@dataclass(frozen=True)
class Classes:
    """The class folders of a set.

    Attributes:
        names: what they are called, label 0 first.
        by: what decided their order: the set's own list (``"known"``), their names as text, the numbers in them, or a
            user's list (``"file"``).
    """

    names: tuple[str, ...]
    by: Order

    @property
    def digest(self) -> str:
        """SHA-256 of the names, label 0 first, joined by line feeds."""
        return hashlib.sha256("\n".join(self.names).encode(errors="surrogateescape")).hexdigest()

    def __str__(self) -> str:
        """Return it in words: ``labels by folder order: cat=0, dog=1``."""
        shown = ", ".join(f"{name}={label}" for label, name in enumerate(self.names[:_SHOWN]))
        more = ", …" if len(self.names) > _SHOWN else ""
        how = {"known": "the set's own list", "text": "folder order", "numbers": "number order"}.get(
            self.by, "your list"
        )
        return f"labels by {how}: {shown}{more}"


def read_order(classes: str | Path | Sequence[str] | ClassOrder | None) -> ClassOrder | None:
    """Return what `--classes` says.

    Args:
        classes: ``"text"``, ``"numbers"``, a file with the name of a class folder a line, label 0 first, or such a
            list; None says nothing.

    Raises:
        InputError: the file cannot be read, or a name is in it twice or not at all.
    """
    if classes is None or isinstance(classes, ClassOrder):
        return classes
    if classes in ("text", "numbers"):
        return ClassOrder("text" if classes == "text" else "numbers")
    if not isinstance(classes, str | Path):
        return ClassOrder("file", _checked("classes", list(classes)))
    path = Path(classes)
    try:
        # An editor of Windows may put a byte order mark before the first name.
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise InputError(
            f"{path}: not in UTF-8 ({error.reason}): save it as UTF-8, a class folder's name a line"
        ) from error
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise InputError(
            f"{path}: {reason}: --classes takes text, numbers, or a file with a class folder's name a line, label 0 "
            "first"
        ) from error
    while lines and not lines[-1].strip():
        del lines[-1]
    return ClassOrder("file", _checked(str(path), [line.strip() for line in lines]))


def sorted_classes(where: Path, found: Sequence[str], order: ClassOrder | None) -> Classes:
    """Return the class folders of a set whose classes nobody knows beforehand.

    Args:
        where: the folder, for the message.
        found: the class folders in it.
        order: what a user says, text or numbers; None: nothing, which will do if both are the same.

    Raises:
        InputError: nothing is said, and the two orders differ.
    """
    as_text = sorted(found)
    by_number = sorted(as_text, key=_by_number)
    if order is not None:
        return Classes(tuple(by_number if order.by == "numbers" else as_text), order.by)
    if as_text != sorted(as_text, key=lambda name: _by_number(name, lower=False)):
        label = next(k for k, pair in enumerate(zip(as_text, by_number, strict=True)) if pair[0] != pair[1])
        raise InputError(
            f"{where}: the order of the class folders is not clear: label {label} is {as_text[label]!r} as text "
            f"(torchvision's ImageFolder, Keras) and {by_number[label]!r} by number (timm): say which one the network "
            "was trained with: --classes text, --classes numbers, or --classes FILE with a folder's name a line, "
            "label 0 first"
        )
    return Classes(tuple(as_text), "text")


def case_note(classes: Classes) -> str | None:
    """Return a note where timm orders the folders otherwise: it takes upper and lower case as one."""
    if classes.by != "text" or sorted(classes.names, key=_by_number) == list(classes.names):
        return None
    return (
        f"{classes}, capitals first as torchvision's ImageFolder sorts; timm sorts upper and lower case alike: for a "
        "network trained with timm, pass --classes numbers"
    )


def _by_number(name: str, *, lower: bool = True) -> list[str | int]:
    """Return what sorts names by the numbers in them, `a2` before `a10`: text and numbers in turn.

    Args:
        name: of a folder.
        lower: whether upper and lower case are alike, as timm takes them.
    """
    parts = re.split(r"([0-9]+)", name.lower() if lower else name)
    return [int(part) if at % 2 else part for at, part in enumerate(parts)]


def _checked(where: str, names: list[str]) -> tuple[str, ...]:
    if not names:
        raise InputError(
            f"{where}: the list of classes is empty: write a class folder's name a line, label 0 first"
        )
    if "" in names:
        raise InputError(
            f"{where}: line {names.index('') + 1} is empty: write a class folder's name in each line"
        )
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise InputError(f"{where}: the class folder {name!r} is listed twice")
        seen.add(name)
    return tuple(names)
