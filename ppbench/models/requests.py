"""Which models a command line asks for: `--model` and `--checkpoint`, paired."""

import os
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from os import PathLike
from pathlib import Path
from typing import Any

from ppbench.errors import InputError, unknown

# How the names of files end that need no name of a network beside them: it is told from what is in them.
FILES = (".onnx", ".pt", ".pth", ".pth.tar", ".ckpt", ".safetensors", ".bin", ".pt2")

TIMM = ("timm:", "hf-hub:")
ZOOS = ("torchvision:", *TIMM)
"""What the names of models begin with that other packages build."""

_FACTORY = re.compile(r".+\.py:[^:=/\\]+")
_FACTORY_AND_FILE = re.compile(rf"(?P<name>{_FACTORY.pattern})=(?P<file>.*)")


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
        prefix: how the names of the weights begin that are meant, in checkpoints that hold several networks.
    """

    spec: Mapping[str, Any] = field(default_factory=dict)
    turn_into: str | None = None
    trust: bool = False
    prefix: str | None = None


def model_requests(models: Sequence[str], checkpoints: Sequence[Path]) -> list[ModelRequest]:
    """Return what to load: names and files side by side, one name for several files, ``NAME=FILE``, or a file alone.

    Raises:
        InputError: nothing was asked for, or names and files cannot be paired.
    """
    if not models and not checkpoints:
        raise InputError(
            "no model named: pass --model or --checkpoint (`ppbench models` lists what is known)"
        )
    inline = [_inline(model) for model in models]
    if any(request.checkpoint for request in inline):
        if checkpoints:
            raise InputError("--model NAME=FILE and --checkpoint both name files: use one of the two")
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


def named_file(model: str, known: Callable[[str], bool]) -> tuple[str, str] | None:
    """Return name and file of ``NAME=FILE``, None where the whole is a name or a path that has a ``=`` in it.

    The rule: a ``=`` stands between NAME and FILE where what is left of it is ``FILE.py:factory`` or, at the first
    ``=``, a name that is known. Left of it anything else is the beginning of a path, if the whole ends as one of
    `FILES` or as ``FILE.py:factory`` does; otherwise an unknown name.

    Args:
        model: what was given as a model.
        known: whether something is the name of a model.
    """
    if own := _FACTORY_AND_FILE.fullmatch(model):
        return own["name"], own["file"]
    name, equals, file = model.partition("=")
    if not equals or (not known(name) and (model.endswith(FILES) or _FACTORY.fullmatch(model))):
        return None
    return name, file


def path_of(given: str | PathLike[str]) -> Path:
    """Return a path that a user gave, with ``~`` for the home folder."""
    # Not Path.expanduser, which fails where there is no such home: that file is not found, and its name is said.
    return Path(os.path.expanduser(given))  # noqa: PTH111  as above


def is_file(model: str) -> bool:
    """Return whether what was given as a model is a file of weights, a program or a graph, and no name of a model."""
    return model.endswith(FILES) and not _known(model)


def _inline(model: str) -> ModelRequest:
    named = named_file(model, _known)
    if named is None:
        _refuse_misspelt(model)
        return ModelRequest(None, path_of(model)) if is_file(model) else ModelRequest(model)
    name, file = named
    if not (name and file):
        raise InputError(f"expected --model NAME=FILE, got {model!r}")
    return ModelRequest(name, path_of(file))


def _refuse_misspelt(model: str) -> None:
    """Say that a name is unknown where no file is called so, but one is called like what follows the `=`."""
    name, _, file = model.partition("=")
    if file and Path(file).is_file() and not Path(model).is_file():
        from ppbench.models.registry import ARCHITECTURES

        raise unknown("model", name, ARCHITECTURES)


def _known(name: str) -> bool:
    from ppbench.models.index import known_index
    from ppbench.models.registry import find_architecture

    ours = find_architecture(name) is not None or any(entry.id == name for entry in known_index())
    return ours or name.startswith(ZOOS)
