"""From what a file holds to the network's tensors: the second step of loading a checkpoint.

Wrappers are opened, prefixes cut off, a normalisation layer in front of the network taken out, and what is not a weight
put aside. Each step says what it did. Where a file holds more than a network, `readings` finds the network in it.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from ppbench.errors import InputError
from ppbench.models.input_spec import Triple
from ppbench.models.pickle_globals import StandIn

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
        notes.append(f"left aside what is not a tensor: {', '.join(aside)}")
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
