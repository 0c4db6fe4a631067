"""Labels of sets that number or name the classes for themselves: matched with the classes of a known set by name."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ppbench.errors import InputError

_ENOUGH, _SLIPS = 0.5, 0.02
"""An order is proved by so many names at their own number and at most so many at another one: some of ImageNet's 1,000
have two lists of words, in which `sunglasses` stand for either of two classes."""


@dataclass(frozen=True)
class LabelMap:
    """What a set's labels mean.

    Attributes:
        numbers: a label of the set, a number or a name, to ours; None where numbers are ours already.
        dropped: the numbers and names of classes that are none of ours: their images are left out.
        note: what has to be said of it; None where names have proved the order.
        ours: whether names have proved it; a note on numbers is of no interest where each image has a name.
    """

    numbers: Mapping[int | str, int] | None = None
    dropped: frozenset[int | str] = frozenset()
    note: str | None = None
    ours: bool = False

    def __call__(self, label: int | str, where: str) -> int | None:
        """Return our number of a label; None where its class is none of ours.

        Args:
            label: of the set.
            where: the image, for the message.

        Raises:
            InputError: it is no class at all.
        """
        if label in self.dropped:
            return None
        if self.numbers is None and isinstance(label, int):
            return label  # whether there are so many classes is checked of all labels at once
        if self.numbers is None or label not in self.numbers:
            raise InputError(
                f"{where}: expected the number or the name of a class as its label, got {label!r}"
            )
        return self.numbers[label]


def label_map(
    where: Path,
    names: Sequence[str] | None,
    known: Sequence[str] | None,
    words: Sequence[str],
) -> LabelMap:
    """Return what labels mean.

    Args:
        where: the folder, for messages.
        names: the classes' names as the set has them, label 0 first; None where it has none.
        known: the classes of the data set as folders are called, label 0 first; None where any name is a class.
        words: what people call them, in the same order.

    Raises:
        InputError: the names are those of the classes in another order, and not all can be matched.
    """
    if known is None:
        return LabelMap() if names is None else LabelMap(_numbered(names))
    if names is None:  # they may still come one by one, with each image
        said = f"the labels in {where} are numbers without names: taken as they are"
        return LabelMap(_numbered(known), note=said)
    own = {name: number for number, name in enumerate(known)}
    plain = [_plain(word) for word in words]
    by_word = {word: number for number, word in enumerate(plain) if plain.count(word) == 1}
    found = [own.get(name) for name in names]
    if not any(number is not None for number in found):
        found = [by_word.get(_plain(name)) for name in names]
    matched = {number for number in found if number is not None}
    same = sum(number == label for label, number in enumerate(found))
    if not matched:
        said = f"{names[0]!r} is none of the classes"
        return LabelMap(_numbered(known), note=f"the labels in {where} are taken as they are: {said}")
    elsewhere = sum(number is not None for number in found) - same
    if (
        len(names) == len(known) > len(matched)
        and same >= _ENOUGH * len(known)
        and elsewhere <= _SLIPS * len(known)
    ):
        return LabelMap(_numbered(known))  # in our order: names that differ are other words for the same
    if len(matched) < min(len(names), len(known)):
        lost = next(name for name, number in zip(names, found, strict=True) if number is None)
        raise InputError(
            f"{where}: its classes have another order than those of this set, which has none called {lost!r}: call "
            f"them as its class folders are called, such as {known[0]!r}"
        )
    numbers: dict[int | str, int] = dict(own.items())
    dropped: set[int | str] = set()
    for label, (name, number) in enumerate(zip(names, found, strict=True)):
        if number is None:
            dropped |= {label, name}
        else:
            numbers |= {label: number, name: number}
    count = len(names) - len(matched)
    said = f"{count:,} of the {len(names):,} classes in {where} are not among the {len(known):,} of this set"
    return LabelMap(numbers, frozenset(dropped), f"{said} and passed over" if count else None, ours=True)


def _numbered(names: Sequence[str]) -> dict[int | str, int]:
    """Return the numbers of classes, by number and by name."""
    return {
        **{number: number for number in range(len(names))},
        **{name: number for number, name in enumerate(names)},
    }


def _plain(word: str) -> str:
    return word.partition(",")[0].strip().lower().replace("_", " ")
