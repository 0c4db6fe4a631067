"""From what a file holds to the network's tensors: the second step of loading a checkpoint.

Wrappers are opened, prefixes cut off, a normalisation layer in front of the network taken out, and what is not a weight
put aside. Each step says what it did.
"""

import re
from collections.abc import Mapping
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

# How the strength of an inhibition that is not trained got into some checkpoints: as a number.
STRENGTH = "pull_inhibition_strength"


@dataclass(frozen=True)
class CleanState:
    """The weights of a checkpoint, and what was found beside them.

    Attributes:
        tensors: by name; floating point ones are float32.
        strength: the fixed inhibition strength that was stored among them as a number, if any.
        hyper: the hyper-parameters that Lightning stored, empty if there are none.
        normalisation: mean and std, in [0, 1] units, of a normalisation layer in front of the network, if any.
        notes: what was done, in words.
    """

    tensors: dict[str, Tensor]
    strength: float | None
    hyper: dict[str, Any]
    normalisation: tuple[Triple, Triple] | None
    notes: tuple[str, ...]


def clean(content: Any) -> CleanState:
    """Return the weights inside what a file holds.

    Raises:
        InputError: there are no weights in it, with what there is.
    """
    notes: list[str] = []
    hyper = _hyper_parameters(content)
    state = dict(_unwrap(content, notes))
    strength = _take_strength(state)
    tensors = {name: value for name, value in state.items() if isinstance(value, Tensor)}
    if aside := sorted(set(state) - set(tensors)):
        notes.append(f"left aside what is not a tensor: {', '.join(aside)}")
    tensors.pop("n_averaged", None)  # torch's AveragedModel counts here
    tensors = _strip(_pick_ema(tensors, notes), notes, _PREFIXES)
    tensors, normalisation = _take_normalisation(tensors, notes)
    return CleanState(_to_float32(tensors, notes), strength, hyper, normalisation, tuple(notes))


def _unwrap(content: Any, notes: list[str], depth: int = 3) -> Mapping[str, Any]:
    if isinstance(content, nn.Module):  # only a trusted file can hold one
        notes.append("took the state_dict of a pickled module")
        return content.state_dict()
    if isinstance(content, StandIn):
        raise InputError(
            f"expected a state_dict, got a whole pickled {content.qualified_name}: save its state_dict()"
        )
    if not isinstance(content, dict) or not all(isinstance(key, str) for key in content):
        raise InputError(f"expected a dictionary of weights, got a {type(content).__name__}")
    for key in (*_EMA, *_WRAPPERS):
        inner = content.get(key)
        if depth and (isinstance(inner, nn.Module) or _holds_tensors(inner, depth)):
            plain = next((name for name in _WRAPPERS if _holds_tensors(content.get(name), depth)), None)
            instead = f" instead of {plain!r}" if key in _EMA and plain else ""
            notes.append(f"opened {key!r}" + (f" (averaged weights){instead}" if key in _EMA else ""))
            return _unwrap(inner, notes, depth - 1)
    if not any(isinstance(value, Tensor) for value in content.values()):
        raise InputError(f"expected weights, got a dictionary of {', '.join(list(content)[:8]) or 'nothing'}")
    return content


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
    pairs = [
        (name, name.removesuffix("mean") + "std")
        for name in tensors
        if re.fullmatch(r"(.+\.)?_?mean", name) and name.removesuffix("mean") + "std" in tensors
    ]
    found = None
    if len(pairs) == 1 and all(tensors[name].numel() == 3 for name in pairs[0]):
        mean, std = (tensors[name].double().flatten().tolist() for name in pairs[0])
        scale = 255.0 if max(mean) > 2 else 1.0
        found = _triple(mean, scale), _triple(std, scale)
        notes.append(
            f"took the normalisation layer out ({pairs[0][0]}, {pairs[0][1]}): it is the input spec now"
        )
        tensors = {name: value for name, value in tensors.items() if name not in pairs[0]}
    if found or all(name.startswith("1.") for name in tensors):
        tensors = _strip(tensors, notes, (*_PREFIXES, "1."))
    return tensors, found


def _triple(values: list[float], scale: float) -> Triple:
    red, green, blue = (value / scale for value in values)
    return red, green, blue


def _to_float32(tensors: dict[str, Tensor], notes: list[str]) -> dict[str, Tensor]:
    others = sorted(
        {str(t.dtype).removeprefix("torch.") for t in tensors.values() if t.is_floating_point()} - {"float32"}
    )
    if others:
        notes.append(f"cast {', '.join(others)} to float32")
    return {name: t.to(torch.float32) if t.is_floating_point() else t for name, t in tensors.items()}
