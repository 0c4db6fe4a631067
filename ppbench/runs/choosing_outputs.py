"""Which outputs of a network are the classes of the data: decided by what both say of themselves, never by position.

A network with as many outputs as there are classes has nothing to choose. One with more answers for a part of its
classes: those are found by their names, by ImageNet's order where the classes are ImageNet's, or by a user's file.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from ppbench.data.class_names import class_ids, imagenet_words
from ppbench.data.classes import class_list
from ppbench.data.source import DataSource
from ppbench.errors import InputError
from ppbench.models.output_choice import ClassList, OutputChoice
from ppbench.runs.output_wish import BACKGROUND_FIRST, OutputWish

IMAGENET_ORDER = "ImageNet's 1,000 classes in the order of their WordNet ids"

_IMAGENET = 1000
_WNID = re.compile(r"(n\d{8})(?=$|[\s,;:])")

_FILE = "--outputs FILE says which output is which class"


@dataclass(frozen=True)
class DataClasses:
    """The classes of the data.

    Attributes:
        data: the set's name.
        count: how many there are.
        ids: wnids or names, label 0 first; None where nothing is known.
    """

    data: str
    count: int
    ids: tuple[str, ...] | None

    @classmethod
    def of(cls, images: DataSource) -> "DataClasses":
        """Return the classes of a run's images."""
        ids = class_ids(images.name, images.num_classes, images.classes)
        return cls(images.name, images.num_classes, ids)

    @property
    def wnids(self) -> tuple[str, ...] | None:
        """The classes, if all of them are known by WordNet ids."""
        return self.ids if self.ids and all(map(_WNID.fullmatch, self.ids)) else None


@dataclass(frozen=True)
class NetworkOutputs:
    """The outputs of a network.

    Attributes:
        network: its name.
        count: how many there are.
        names: what they are called, where it says so itself.
        advice: how to have the network with an output a class, where it can be made so; empty where it cannot.
    """

    network: str
    count: int
    names: ClassList | None = None
    advice: str = ""


def choose(outputs: NetworkOutputs, classes: DataClasses, wish: OutputWish) -> OutputChoice | None:
    """Return which outputs are the data's classes; None for a network that has one for each class.

    Args:
        outputs: of the network; at least as many as there are classes.
        classes: of the data.
        wish: what the user says.

    Raises:
        InputError: nothing says which outputs are the classes, or what is said does not fit.
    """
    if outputs.count == classes.count:
        return None
    if wish.lines:
        indices, by = _by_lines(outputs, classes, wish), wish.where
    elif wish.background_first:
        indices, by = _after_background(outputs, classes)
    elif outputs.names is not None and classes.ids is not None:
        indices, by = _by_own_names(outputs, outputs.names, classes, classes.ids), outputs.names.by
    else:
        indices, by = _in_imagenet_order(outputs, classes), IMAGENET_ORDER
    return OutputChoice(wish.kind, indices, outputs.count, by)


def _refused(outputs: NetworkOutputs, classes: DataClasses, why: str) -> InputError:
    return InputError(
        f"{outputs.network}: expected {classes.count} classes, as {classes.data} has, got {outputs.count}: "
        f"{f'{outputs.advice}; ' if outputs.advice else ''}{why}"
    )


def _in_imagenet_order(outputs: NetworkOutputs, classes: DataClasses) -> tuple[int, ...]:
    wnids = classes.wnids
    if wnids is None:
        why = f"its classes have no WordNet ids to find their outputs by: {_FILE}"
        raise _refused(outputs, classes, why)
    if outputs.count == _IMAGENET + 1:
        why = f"if output 0 is a background class, pass --outputs {BACKGROUND_FIRST}, otherwise {_FILE}"
        raise _refused(outputs, classes, why)
    if outputs.count != _IMAGENET:
        raise _refused(outputs, classes, f"what these outputs are is not known: {_FILE}")
    return _imagenet_indices(outputs, classes, wnids)


def _imagenet_indices(outputs: NetworkOutputs, classes: DataClasses, wnids: Sequence[str]) -> tuple[int, ...]:
    place = {wnid: index for index, wnid in enumerate(class_list("imagenet"))}
    if strangers := [wnid for wnid in wnids if wnid not in place]:
        why = f"{strangers[0]} is none of ImageNet's 1,000 classes: {_FILE}"
        raise _refused(outputs, classes, why)
    return tuple(place[wnid] for wnid in wnids)


def _after_background(outputs: NetworkOutputs, classes: DataClasses) -> tuple[tuple[int, ...], str]:
    if classes.wnids is not None and outputs.count == _IMAGENET + 1:
        indices = _imagenet_indices(outputs, classes, classes.wnids)
        return tuple(1 + index for index in indices), f"output 0 is background, then {IMAGENET_ORDER}"
    if outputs.count == classes.count + 1:
        by = f"output 0 is background, then the classes of {classes.data}"
        return tuple(range(1, outputs.count)), by
    fitting = f"{classes.count + 1}"
    if classes.wnids is not None and classes.count != _IMAGENET:
        fitting += f" or {_IMAGENET + 1}"
    raise _refused(outputs, classes, f"--outputs {BACKGROUND_FIRST} is for {fitting} outputs")


def _by_own_names(
    outputs: NetworkOutputs, names: ClassList, classes: DataClasses, ids: Sequence[str]
) -> tuple[int, ...]:
    if len(names.names) != outputs.count:
        raise _refused(outputs, classes, f"{names.by} has {len(names.names)} names: {_FILE}")
    try:
        return _matched(names.names, ids, ids)
    except InputError as error:
        raise _refused(outputs, classes, f"in {names.by} {error}: {_FILE}") from error


def _by_lines(outputs: NetworkOutputs, classes: DataClasses, wish: OutputWish) -> tuple[int, ...]:
    lines, where = wish.lines, wish.where
    if all(line.isascii() and line.isdigit() for line in lines):
        return _by_index([int(line) for line in lines], outputs, classes, where)
    if len(lines) != outputs.count:
        odd = next(line for line in lines if not (line.isascii() and line.isdigit()))
        raise InputError(
            f"{where}: expected a name for each of the {outputs.count} outputs of {outputs.network}, or the index of "
            f"an output for each of the {classes.count} classes of {classes.data}, got {len(lines)} lines, such as "
            f"{odd!r}"
        )
    ids = classes.ids
    if ids is None:
        raise InputError(
            f"{where}: nothing says what the classes of {classes.data} are called: write the index of an output for "
            f"each of its {classes.count} classes, label 0 first"
        )
    found = [_WNID.match(line) for line in lines]
    by_wnid = [each.group(1) for each in found if each is not None]
    try:
        if len(by_wnid) == len(lines):
            return _matched(by_wnid, ids, ids)
        words = imagenet_words() if classes.wnids else {}
        return _matched(
            [_spoken(line) for line in lines], [_spoken(words.get(each, each)) for each in ids], ids
        )
    except InputError as error:
        raise InputError(f"{where}: {error}") from error


def _by_index(
    indices: Sequence[int], outputs: NetworkOutputs, classes: DataClasses, where: str
) -> tuple[int, ...]:
    if len(indices) != classes.count:
        raise InputError(
            f"{where}: expected the index of an output for each of the {classes.count} classes of {classes.data}, got "
            f"{len(indices)} lines"
        )
    if max(indices) >= outputs.count:
        line = next(line for line, index in enumerate(indices, 1) if index >= outputs.count)
        raise InputError(
            f"{where}: expected outputs from 0 to {outputs.count - 1}, as {outputs.network} has, got "
            f"{indices[line - 1]} in line {line}"
        )
    if len(set(indices)) < len(indices):
        line = next(line for line, index in enumerate(indices, 1) if index in indices[: line - 1])
        raise InputError(
            f"{where}: output {indices[line - 1]} is in line {indices.index(indices[line - 1]) + 1} and in line "
            f"{line}: each class needs an output of its own"
        )
    return tuple(indices)


def _matched(names: Sequence[str], wanted: Sequence[str], ids: Sequence[str]) -> tuple[int, ...]:
    """Return the place of each wanted name among the names.

    Args:
        names: of the outputs; one with commas is a list of words for the same, the first of which counts, too.
        wanted: of the classes, label 0 first.
        ids: what messages call the classes.

    Raises:
        InputError: one is not there, or several times, or is wanted twice.
    """
    places: dict[str, list[int]] = {}
    for index, name in enumerate(names):
        for known in {name, name.partition(",")[0].strip()}:
            places.setdefault(known, []).append(index)
    found = []
    for label, name in enumerate(wanted):
        called = repr(name) if name == ids[label] else f"{name!r} ({ids[label]})"
        there = places.get(name, [])
        if not there:
            raise InputError(f"no output is called {called}, which is class {label}")
        if len(there) > 1 or there[0] in found:
            several = (
                f"outputs {there[0]} and {there[1]} are" if len(there) > 1 else f"output {there[0]} is twice"
            )
            advice = "name outputs by WordNet ids, or by index"
            raise InputError(f"{several} called {called}, which is class {label}: {advice}")
        found.append(there[0])
    return tuple(found)


def _spoken(name: str) -> str:
    """Return a name as it is compared: capitals, underscores and the spaces around it count for nothing."""
    return " ".join(name.replace("_", " ").casefold().split())
