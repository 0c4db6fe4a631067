"""From whatever a checkpoint holds to the weights of one network, under our names: the second step of loading one.

Wrappers are opened, prefixes cut off, a normalisation layer in front of the network taken out, and what is not a weight
put aside. Each step says what it did. Where a file holds more than a network, the network in it is found.

A *reading* is a way to begin names: what follows it are the names of a network, every one of them, in the right shapes.
Nothing is read in part. One reading is taken, and what it leaves aside is said; of several that differ in their values
the running average is taken where there is one, and otherwise the user chooses.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from ppbench.errors import InputError
from ppbench.models.input_spec import Triple
from ppbench.models.pickle_safety import StandIn

# (what it is called, the name to find, the name to give). The first group is kept where there is one.
_ANY = (("DataParallel features", r"^features\.module\.", "features."),)
_RESNET = (
    ("bn -> bn1 (PushPull-Net authors)", r"^bn\.", "bn1."),
    ("classifier -> fc (PushPull-Net authors)", r"^classifier\.(?=weight$|bias$)", "fc."),
    ("linear -> fc", r"^linear\.(?=weight$|bias$)", "fc."),
    ("head -> fc", r"^head\.(fc\.)?(?=weight$|bias$)", "fc."),
    ("shortcut -> downsample", r"^(layer\d\.\d+\.)shortcut\.", r"\1downsample."),
)


Named = TypeVar("Named")


def canonical(tensors: Mapping[str, Named]) -> tuple[dict[str, Named], tuple[str, ...]]:
    """Return tensors, or whatever has their names, under torchvision's names, and what was renamed, in words.

    Raises:
        InputError: two tensors would have the same name.
    """
    rules = _ANY + (_RESNET if any(name.startswith("layer1.") for name in tensors) else ())
    counts = dict.fromkeys((rule[0] for rule in rules), 0)
    renamed: dict[str, Named] = {}
    for name, tensor in tensors.items():
        new = name
        for title, pattern, replacement in rules:
            new, hits = re.subn(pattern, replacement, new)
            counts[title] += hits
        if new in renamed:
            raise InputError(f"two tensors are called {new!r}: {name!r} is another name for it")
        renamed[new] = tensor
    return renamed, tuple(f"renamed {title} ({count} keys)" for title, count in counts.items() if count)


_EMA = (
    "state_dict_ema",
    "ema_state_dict",
    "model_state_ema",
    "model_ema",
    "ema_model",
    "ema",
    "averaged_model",
)
_WRAPPERS = (
    "state_dict",
    "model_state_dict",
    "model_state",
    "model",
    "net",
    "network",
    "weights",
    "params",
    "module",
)
_PREFIXES = (
    "module.",
    "_orig_mod.",
    "model.",
    "net.",
    "network.",
    "backbone.",
    *(f"{name}." for name in _EMA),
)

# What frameworks put into names, in front or anywhere, where they wrap the network or a layer of it:
# DistributedDataParallel and DeepSpeed, torch.compile, FSDP, activation checkpointing, Lightning Fabric.
WRAPPED = frozenset(
    {
        "module",
        "_orig_mod",
        "_fsdp_wrapped_module",
        "_fpw_module",
        "_checkpoint_wrapped_module",
        "_forward_module",
    }
)
_DEEPEST = 100
_LONGEST_NAME = 1000

# Entries of dictionaries and modules that are looked at, and letters of names: real checkpoints have a fifth at most.
_MOST_STEPS = 5_000_000

# How the strength of an inhibition that is not trained got into some checkpoints: as a number.
STRENGTH = "pull_inhibition_strength"


AVERAGED = "averaged weights"
"""How a note calls a running average that was taken instead of the network itself."""


@dataclass(frozen=True)
class CleanState:
    """The weights of a checkpoint, and what was found beside them.

    Attributes:
        tensors: by name; floating point ones are float32.
        strength: the fixed inhibition strength that was stored among them as a number, if any.
        hyper: the hyper-parameters that Lightning stored, empty if there are none.
        normalisation: mean and std, in [0, 1] units, of a normalisation layer in front of the network, if any.
        notes: what was done, in words.
        everything: all tensors of the file, by their whole names without what frameworks wrap layers in.
        opened: the first of the notes, on how the file was opened.
    """

    tensors: dict[str, Tensor]
    strength: float | None
    hyper: dict[str, Any]
    normalisation: tuple[Triple, Triple] | None
    notes: tuple[str, ...]
    everything: dict[str, Tensor]
    opened: tuple[str, ...]


def clean(content: Any, prefix: str | None = None) -> CleanState:
    """Return the weights inside what a file holds.

    Args:
        content: nested dictionaries with tensors.
        prefix: how the names of those begin that the user means; None means all.

    Raises:
        InputError: there are no weights in it, with what there is.
    """
    notes: list[str] = []
    hyper = _hyper_parameters(content)
    state = dict(_unwrap(content, notes) if prefix is None else _under(content, prefix, notes))
    _refuse_long(state)
    strength = _take_strength(state)
    tensors = {name: value for name, value in state.items() if isinstance(value, Tensor)}
    if aside := sorted(set(state) - set(tensors)):
        notes.append(f"ignored what is not a tensor: {', '.join(aside)}")
    tensors.pop("n_averaged", None)  # torch's AveragedModel counts here
    everything, opened = unwrapped(tensors), tuple(notes)
    tensors = _strip(_pick_ema(tensors, notes), notes, _PREFIXES)
    if (plain := unwrapped(tensors)).keys() != tensors.keys():
        notes.append(f"cut {_wrappers_in(tensors)} out of the names of layers")
        tensors = _strip(plain, notes, _PREFIXES)
    tensors, normalisation = _take_normalisation(tensors, notes)
    tensors = as_float32(tensors, notes)
    return CleanState(tensors, strength, hyper, normalisation, tuple(notes), everything, opened)


def _refuse_long(names: Iterable[str]) -> None:
    """Refuse names whose beginnings alone would fill the memory."""
    if (longest := max(map(len, names), default=0)) > _LONGEST_NAME:
        raise InputError(
            f"expected names of at most {_LONGEST_NAME} letters, got one of {longest:,}: rename its tensors"
        )


def unwrapped(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return tensors by their names without what frameworks wrap layers in; as they are if two would share a name."""
    plain = {plain_name(name): tensor for name, tensor in tensors.items()}
    return plain if len(plain) == len(tensors) else dict(tensors)


def plain_name(name: str) -> str:
    """Return a tensor's name without what frameworks wrap layers in, e.g. ``layer1.0.conv1.weight``."""
    *path, last = name.split(".")
    return ".".join([*(part for part in path if part not in WRAPPED), last])


def _wrappers_in(names: Iterable[str]) -> str:
    return ", ".join(sorted({part for name in names for part in name.split(".")[:-1]} & WRAPPED))


def is_average(prefix: str) -> bool:
    """Return whether weights whose names begin so are a running average of the network's."""
    return any(part in _EMA or re.fullmatch(r"(.*_)?(ema|swa)(_.*)?", part) for part in prefix.split("."))


def _unwrap(content: Any, notes: list[str], depth: int = 3) -> Mapping[str, Any]:
    if isinstance(content, nn.Module):  # only a trusted file can hold one
        notes.append("took the state_dict of a pickled module")
        return content.state_dict()
    if isinstance(content, StandIn):
        if _is_module(content) and (state := dict(_tensors_of(content, _Budget()))):
            notes.append(
                f"took the tensors out of a pickled {content.qualified_name}, whose code was not run"
            )
            return state
        raise InputError(
            f"expected a state_dict, got a whole pickled {content.qualified_name}: save its state_dict()"
        )
    if not isinstance(content, dict) or not all(isinstance(key, str) for key in content):
        raise InputError(f"expected a dictionary of weights, got a {type(content).__name__}")
    for key in (*_EMA, *_WRAPPERS):
        inner = content.get(key)
        if depth and (isinstance(inner, nn.Module) or _is_module(inner) or _holds_tensors(inner, depth)):
            plain = next((name for name in _WRAPPERS if _holds_tensors(content.get(name), depth)), None)
            instead = f" instead of {plain!r}" if key in _EMA and plain else ""
            notes.append(f"opened {key!r}" + (f" ({AVERAGED}){instead}" if key in _EMA else ""))
            return _unwrap(inner, notes, depth - 1)
    if any(isinstance(value, Tensor) and value.ndim for value in content.values()):
        return content
    inside = dict(_flattened(content, _Budget()))
    if not inside:
        raise InputError(f"expected weights, got a dictionary of {', '.join(list(content)[:8]) or 'nothing'}")
    _refuse_long(inside)
    begun = {each[: dot.start()] for each in inside for dot in re.finditer(r"\.", each)}
    if full := [repr(name) for name in content if name in begun]:
        notes.append(f"opened {', '.join(full)}")
    return inside if full else content


def _under(content: Any, prefix: str, notes: list[str]) -> dict[str, Any]:
    """The part of what a file holds whose names begin in one way, as they are once it is opened, or in the file."""
    begin = prefix if prefix.endswith(".") else f"{prefix}."
    opened: list[str] = []
    inside = dict(_unwrap(content, opened))
    whole = dict(_flattened(content, _Budget())) if isinstance(content, dict) else {}
    for names, more in ((inside, opened), (unwrapped(inside), opened), (whole, []), (unwrapped(whole), [])):
        if part := {name[len(begin) :]: value for name, value in names.items() if name.startswith(begin)}:
            notes.extend([*more, f"took what begins with {begin!r} (--prefix)"])
            return part
    heads = list(dict.fromkeys(f"{name.partition('.')[0]}." for name in (*inside, *whole) if "." in name))
    raise InputError(f"expected names that begin with {begin!r} (--prefix), got {', '.join(heads[:8])}")


class _Budget:
    """How much may still be looked at: a file of a few bytes can hold the same thing a trillion times."""

    def __init__(self) -> None:
        self._steps = _MOST_STEPS
        self._open: set[int] = set()

    @contextmanager
    def inside(self, thing: object, entries: int, name: str) -> Iterator[None]:
        """Look at so many entries of a thing of that name.

        Raises:
            InputError: too much has been looked at, or too deep.
        """
        self.spend(1 + entries + len(name))
        if len(self._open) > _DEEPEST:
            raise InputError(_BEYOND)
        self._open.add(id(thing))
        yield
        self._open.remove(id(thing))

    def is_open(self, thing: object) -> bool:
        """Whether what is looked at lies in that very thing."""
        return id(thing) in self._open

    def spend(self, steps: int) -> None:
        """Count steps.

        Raises:
            InputError: there are too many.
        """
        self._steps -= steps
        if self._steps < 0:
            raise InputError(_BEYOND)


_BEYOND = "expected weights, got modules or dictionaries in one another beyond measure: save a state_dict()"


def _flattened(
    content: Mapping[Any, Any], budget: _Budget, before: str = "", depth: int = 4
) -> Iterator[tuple[str, Tensor]]:
    """The tensors in dictionaries in dictionaries, by the path to them; those of optimizers are none of a network."""
    with budget.inside(content, len(content), before):
        if not all(isinstance(key, str) for key in content) or "param_groups" in content:
            return
        for key, value in content.items():
            if isinstance(value, Tensor):
                budget.spend(len(before) + len(key))
                yield before + key, value
            elif _is_module(value):
                yield from _tensors_of(value, budget, f"{before}{key}.")
            elif isinstance(value, nn.Module):
                yield from ((f"{before}{key}.{inner}", each) for inner, each in value.state_dict().items())
            elif isinstance(value, dict) and depth and not budget.is_open(value):
                yield from _flattened(value, budget, f"{before}{key}.", depth - 1)


def _is_module(value: Any) -> bool:
    """Whether something stands in for a module of torch: its parameters, buffers and modules are its state."""
    return isinstance(value, StandIn) and isinstance(value.state, dict) and "_modules" in value.state


def _tensors_of(module: StandIn, budget: _Budget, before: str = "") -> Iterator[tuple[str, Tensor]]:
    """What the state_dict of a module is that was pickled whole, without the module."""
    if budget.is_open(module):
        raise InputError(
            f"expected weights, got a pickled {module.qualified_name} that contains itself: save a state_dict()"
        )
    named = {kind: _named(module, kind) for kind in ("_parameters", "_buffers", "_modules")}
    passing = _passing(module)
    with budget.inside(module, len(passing) + sum(map(len, named.values())), before):
        for name, value in (*named["_parameters"].items(), *named["_buffers"].items()):
            if isinstance(value, Tensor) and name not in passing:
                budget.spend(len(before) + len(name))
                yield f"{before}{name}", value.detach()
        for name, inner in named["_modules"].items():
            if _is_module(inner):
                yield from _tensors_of(inner, budget, f"{before}{name}.")


def _named(module: StandIn, kind: str) -> Mapping[str, Any]:
    """The parameters, buffers or modules of a module by their names, of which it may have none."""
    found = module.state.get(kind)
    if found is None:
        return {}
    if not isinstance(found, dict) or not all(isinstance(name, str) for name in found):
        raise _odd(module, kind, "a dictionary with names", found)
    return found


def _passing(module: StandIn) -> set[str]:
    """The names of the buffers of a module that are none of its state_dict."""
    found = module.state.get("_non_persistent_buffers_set")
    if found is None:
        return set()
    if not isinstance(found, set | frozenset | list | tuple):
        raise _odd(module, "_non_persistent_buffers_set", "a set", found)
    return {name for name in found if isinstance(name, str)}


def _odd(module: StandIn, kind: str, expected: str, got: object) -> InputError:
    return InputError(
        f"expected {expected} as the {kind} of a pickled {module.qualified_name}, got {type(got).__name__}: "
        "save its state_dict()"
    )


def _holds_tensors(value: Any, depth: int) -> bool:
    if not isinstance(value, dict) or not all(isinstance(key, str) for key in value):
        return False
    if any(isinstance(inner, Tensor) for inner in value.values()):
        return True
    return depth > 1 and any(_holds_tensors(value.get(key), depth - 1) for key in (*_EMA, *_WRAPPERS))


def _hyper_parameters(content: Any) -> dict[str, Any]:
    found = content.get("hyper_parameters") if isinstance(content, dict) else None
    if isinstance(found, StandIn):
        found = found.state
    return {str(key): value for key, value in found.items()} if isinstance(found, dict) else {}


def _take_strength(state: dict[str, Any]) -> float | None:
    for name in [name for name in state if name.endswith(STRENGTH)]:
        value = state[name]
        if isinstance(value, (int, float)) or (isinstance(value, Tensor) and value.ndim == 0):
            return float(state.pop(name))
    return None


def _pick_ema(tensors: dict[str, Tensor], notes: list[str]) -> dict[str, Tensor]:
    """Where one dictionary holds the network twice, as it is and averaged, keep the averaged one."""
    heads = {name.partition(".")[0] for name in tensors}
    averaged = sorted(heads & set(_EMA))
    if not averaged or heads == set(averaged):
        return tensors
    others = sorted(heads - set(averaged))
    if not all(f"{head}." in _PREFIXES for head in others):
        return tensors
    notes.append(f"took the averaged weights {averaged[0]!r} instead of {', '.join(others)}")
    return {name: value for name, value in tensors.items() if name.startswith(f"{averaged[0]}.")}


def _strip(tensors: dict[str, Tensor], notes: list[str], prefixes: tuple[str, ...]) -> dict[str, Tensor]:
    while found := next(
        (p for p in prefixes if tensors and all(name.startswith(p) for name in tensors)), None
    ):
        notes.append(f"cut off the prefix {found!r}")
        tensors = {name.removeprefix(found): value for name, value in tensors.items()}
    return tensors


def _take_normalisation(
    tensors: dict[str, Tensor], notes: list[str]
) -> tuple[dict[str, Tensor], tuple[Triple, Triple] | None]:
    """Take out a layer that normalises the images; its mean and std go into the input spec."""
    pairs = normalisations(tensors)
    found = None
    if len(pairs) == 1:
        found = contract_of(tensors, pairs[0], notes)
        tensors = {name: value for name, value in tensors.items() if name not in pairs[0]}
    if found or all(name.startswith("1.") for name in tensors):
        tensors = _strip(tensors, notes, (*_PREFIXES, "1."))
    return tensors, found


def normalisations(tensors: Mapping[str, Tensor]) -> list[tuple[str, str]]:
    """Return the names of mean and std of each layer that normalises images."""
    pairs = [
        (name, name.removesuffix("mean") + "std")
        for name in tensors
        if re.fullmatch(r"(.+\.)?_?mean", name) and name.removesuffix("mean") + "std" in tensors
    ]
    return [pair for pair in pairs if all(tensors[name].numel() == 3 for name in pair)]


def contract_of(
    tensors: Mapping[str, Tensor], pair: tuple[str, str], notes: list[str]
) -> tuple[Triple, Triple]:
    """Return mean and std, in [0, 1] units, of a layer that normalises images, and note that it is taken out."""
    mean, std = (tensors[name].double().flatten().tolist() for name in pair)
    scale = 255.0 if max(mean) > 2 else 1.0
    notes.append(f"took the normalisation layer out ({pair[0]}, {pair[1]}): it is the input spec now")
    return _triple(mean, scale), _triple(std, scale)


def _triple(values: list[float], scale: float) -> Triple:
    red, green, blue = (value / scale for value in values)
    return red, green, blue


def as_float32(tensors: Mapping[str, Tensor], notes: list[str]) -> dict[str, Tensor]:
    """Return tensors with those of floating point as float32, and note what that changed."""
    others = sorted(
        {str(t.dtype).removeprefix("torch.") for t in tensors.values() if t.is_floating_point()} - {"float32"}
    )
    if others:
        notes.append(f"cast {', '.join(others)} to float32")
    return {name: t.to(torch.float32) if t.is_floating_point() else t for name, t in tensors.items()}


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
        f"{path}: holds {len(found)} networks with different weights; their names begin with {choices}: choose one, as "
        f"with --prefix {example}"
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
