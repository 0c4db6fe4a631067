"""Which part of a file is a whole network, where more lies in it: criteria, metrics, a teacher, a running average.

A *reading* is a way to begin names: what follows it are the names of a network, every one of them, in the right shapes.
Nothing is read in part. One reading is taken, and what it leaves aside is said; of several that differ in their values
the running average is taken where there is one, and otherwise the user chooses.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from ppbench.errors import InputError
from ppbench.models.cleaning import AVERAGED, is_average, normalisations, plain_name
from ppbench.models.naming import canonical

# What trainers hang into the network itself, or beside it in a module that is the network: these names begin so.
_BESIDE = re.compile(
    r"(.+_)?(criterion|criteria|crit|loss|losses|loss_?fn|loss_?func|loss_?function|metrics?|acc|acc\d|accuracy|top_?\d|"
    r"f1|f1_?score|auroc|auc|precision|recall|confmat|confusion_matrix|ece|class_weights?|pos_weight|n_averaged|"
    r"ema|swa|teacher|student)(_.+|\d*)",
    re.IGNORECASE,
)


COUNTER = "num_batches_tracked"

# A network's names, each with the name that its tensor has in the file, and how they were changed, in words.
Fit = tuple[dict[str, str], tuple[str, ...]]


@dataclass(frozen=True)
class Reading:
    """A whole network in a file.

    Attributes:
        prefix: how the names of its tensors begin in the file, e.g. ``student.``; empty where nothing is before them.
        tensors: by the network's names.
        aside: the names of the file's other tensors.
        notes: how names were changed, in words.
    """

    prefix: str
    tensors: dict[str, Tensor]
    aside: tuple[str, ...]
    notes: tuple[str, ...] = ()


def readings(
    everything: Mapping[str, Tensor],
    fit: Callable[[dict[str, Tensor]], Fit | None],
    least: int,
) -> list[Reading]:
    """Return the whole networks in a file, those with different values only.

    Args:
        everything: the file's tensors by their whole names.
        fit: how the tensors below a prefix are a whole network's, None if they are none. Some may be left over.
        least: how many tensors a network has at least; fewer are not tried.
    """
    found: list[Reading] = []
    for prefix, held in _by_prefix(everything).items():
        if len(held) < least:
            continue
        below = {name[len(prefix) :]: everything[name] for name in held}
        if (fitted := fit(below)) is None:
            continue
        names, notes = fitted
        used = {prefix + name for name in names.values()}
        aside = tuple(name for name in everything if name not in used)
        layers = {name for pair in normalisations(below) for name in pair}
        inside = [name[len(prefix) :] for name in aside if name.startswith(prefix)]
        if all(name in layers or is_beside(name) for name in inside):
            tensors = {ours: below[theirs] for ours, theirs in names.items()}
            found.append(Reading(prefix, tensors, aside, notes))
    return _different(found)


def fit_to(network: Mapping[str, Tensor], below: Mapping[str, Tensor]) -> Fit | None:
    """Return how tensors are a network's: all of its names in the right shapes, but for the counters of batches.

    The names may be the network's own, others' for the same network, or lack the network's own first prefix. What
    frameworks wrap layers in is no part of a name, on neither side.

    Args:
        network: the network's state dict, on whatever device.
        below: tensors of a file, by their names; it may have more.
    """
    own = {plain_name(name): name for name in network}
    if len(own) < len(network):
        own = {name: name for name in network}
    first = next(iter(own), "").partition(".")[0] + "."
    try:
        renamed, notes = canonical({name: name for name in below})
    except InputError:
        renamed, notes = {}, ()
    plain = {name: name for name in below}
    for theirs, said in ((renamed, notes), (plain, ()), ({first + name: name for name in below}, ())):
        names = {mine: theirs[name] for name, mine in own.items() if name in theirs}
        missing = network.keys() - names.keys()
        if all(name.endswith(COUNTER) for name in missing) and all(
            _alike(network[mine], below[name]) for mine, name in names.items()
        ):
            return names, said
    return None


def normalisation_of(everything: Mapping[str, Tensor], reading: Reading) -> tuple[str, str] | None:
    """Return mean and std of the layer that normalises the images of a reading's network, None if there is none.

    It lies in the network or in what the network lies in; another network's layer is none of it.
    """
    near: dict[int, list[tuple[str, str]]] = {}
    for pair in normalisations({name: everything[name] for name in reading.aside}):
        parts = pair[0].split(".")
        home = "".join(f"{part}." for part in parts[:-2])
        if reading.prefix.startswith(home) or pair[0].startswith(reading.prefix):
            near.setdefault(len(home), []).append(pair)
    nearest = near[max(near)] if near else []
    return nearest[0] if len(nearest) == 1 else None


def _alike(a: Tensor, b: Tensor) -> bool:
    return a.shape == b.shape and (a.dtype == b.dtype or (a.is_floating_point() and b.is_floating_point()))


def settled(found: Sequence[Reading]) -> Reading | None:
    """Return the only reading, or the only one that is a running average of the same network; None if none is that."""
    if len(found) == 1:
        return found[0]
    averages = [reading for reading in found if is_average(reading.prefix)]
    if len(averages) != 1 or len({_shapes(reading) for reading in found}) != 1:
        return None
    others = ", ".join(repr(each.prefix) for each in found if each is not averages[0])
    note = f"took the {AVERAGED} {averages[0].prefix!r} instead of {others}"
    return replace(averages[0], notes=(note, *averages[0].notes))


def _shapes(reading: Reading) -> frozenset[tuple[str, torch.Size]]:
    return frozenset((name, tensor.shape) for name, tensor in reading.tensors.items())


def one_of(found: Sequence[Reading], path: object) -> Reading:
    """Return the reading that counts, of one or more.

    Raises:
        InputError: several differ, and none or more than one is a running average; it lists them.
    """
    if reading := settled(found):
        return reading
    choices = ", ".join(repr(reading.prefix) for reading in found)
    example = next(reading.prefix for reading in found if reading.prefix)
    raise InputError(
        f"{path}: expected one network, got {len(found)} with different weights, whose names begin with {choices}: "
        f"choose, for example --prefix {example}"
    )


def _by_prefix(names: Iterable[str]) -> dict[str, list[str]]:
    """Every beginning of a name up to a dot, the empty one too, with the names that begin so; the shortest first."""
    found: dict[str, list[str]] = {"": []}
    for name in names:
        found[""].append(name)
        end = 0
        while end := name.find(".", end) + 1:
            found.setdefault(name[:end], []).append(name)
    return {prefix: found[prefix] for prefix in sorted(found, key=lambda each: (each.count("."), each))}


def is_beside(name: str) -> bool:
    """Return whether a tensor, by its name, is what trainers hang into a network and is no part of it."""
    return _BESIDE.fullmatch(name.partition(".")[0]) is not None


def _different(found: Sequence[Reading]) -> list[Reading]:
    """Leave out readings that have the same values as one before them, and what is theirs out of what lies aside."""
    kept: list[Reading] = []
    for reading in found:
        for place, before in enumerate(kept):
            if _same(before.tensors, reading.tensors):
                twice = tuple(name for name in before.aside if not name.startswith(reading.prefix))
                kept[place] = replace(before, aside=twice)
                break
        else:
            kept.append(reading)
    return kept


def _same(a: Mapping[str, Tensor], b: Mapping[str, Tensor]) -> bool:
    return a.keys() == b.keys() and all(
        a[name].dtype == b[name].dtype and torch.equal(a[name], b[name]) for name in a
    )
