"""Which models a command line asks for: `--model` and `--checkpoint`, paired."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

from ppbench.errors import InputError


@dataclass(frozen=True)
class ModelRequest:
    """A model by name, and the file of its weights where the user gave one."""

    model: str | None
    checkpoint: Path | None = None


@dataclass(frozen=True)
class Loading:
    """How the models of a run are loaded.

    Attributes:
        spec: fields of `InputSpec` that count before everything a checkpoint says.
        turn_into: the architecture that a plain network's weights are turned into, e.g. ``"resnet50-pp"``.
        trust: unpickle whatever a checkpoint asks for, which can run any code.
    """

    spec: Mapping[str, Any] = field(default_factory=dict)
    turn_into: str | None = None
    trust: bool = False


def pair(models: Sequence[str], checkpoints: Sequence[Path]) -> list[ModelRequest]:
    """Return what to load: names and files side by side, one name for several files, ``NAME=FILE``, or ``FILE.onnx``.

    Raises:
        InputError: nothing was asked for, or names and files cannot be paired.
    """
    if not models and not checkpoints:
        raise InputError(
            "expected at least one --model or --checkpoint, got none: `ppbench models` lists what is known"
        )
    inline = [_inline(model) for model in models]
    if any(request.checkpoint for request in inline):
        if checkpoints:
            raise InputError("expected either --model NAME=FILE or --checkpoint FILE, got both")
        return inline
    if not checkpoints:
        return inline
    if not models:
        return [ModelRequest(None, path) for path in checkpoints]
    if len(models) == 1:
        return [ModelRequest(models[0], path) for path in checkpoints]
    if len(models) != len(checkpoints):
        raise InputError(
            f"expected one --checkpoint for each --model, got {len(checkpoints)} for {len(models)}: "
            "write --model NAME=FILE for those that have a file of their own"
        )
    return [ModelRequest(model, path) for model, path in zip(models, checkpoints, strict=True)]


def unique_names(names: Sequence[str], requests: Sequence[ModelRequest]) -> list[str]:
    """Return a name for each model of a run, all different: a name that recurs gets its file's stem, then a number."""
    stems = {
        name: {
            request.checkpoint.stem
            for each, request in zip(names, requests, strict=True)
            if each == name and request.checkpoint
        }
        for name in names
    }
    named = [
        f"{name} ({request.checkpoint.stem})" if request.checkpoint and len(stems[name]) > 1 else name
        for name, request in zip(names, requests, strict=True)
    ]
    return numbered(named)


def numbered(names: Sequence[str]) -> list[str]:
    """Return the names, all different: one that recurs gets the next number that makes a new name, ``"x #2"``."""
    counts = Counter(names)
    taken = {name for name in names if counts[name] == 1}
    different: list[str] = []
    for name in names:
        if counts[name] > 1:
            new = next(new for number in count(1) if (new := f"{name} #{number}") not in taken)
            taken.add(new)
            different.append(new)
        else:
            different.append(name)
    return different


def _inline(model: str) -> ModelRequest:
    if model.endswith(".onnx") and "=" not in model:
        return ModelRequest(None, Path(model))
    name, equals, path = model.partition("=")
    if equals and not (name and path):
        raise InputError(f"expected --model NAME=FILE, got {model!r}")
    return ModelRequest(name, Path(path) if equals else None)
