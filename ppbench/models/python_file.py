"""A network of the user's own, from a Python file: ``FILE.py:FUNCTION``."""

import importlib.util
import inspect
import sys
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from ppbench.errors import InputError, unknown
from ppbench.models.factory_names import OFFERED, factories, lacks
from ppbench.models.input_spec import InputSpec
from ppbench.models.requests import path_of

if TYPE_CHECKING:
    from torch import nn


def split(name: str) -> tuple[Path, str] | None:
    """Return file and function of ``FILE.py:factory``, None if the name is not of this kind."""
    file, _, function = name.rpartition(":")
    return (path_of(file), function) if function and file.endswith(".py") else None


def nearly(name: str) -> list[str] | None:
    """Return what ``FILE.py:factory`` ought to look like, of a name that lacks a part of it; None if it lacks none.

    The list is empty where nothing in the file looks like the network.
    """
    stem, colon, function = name.rpartition(":")
    if stem and function and path_of(f"{stem}.py").is_file():
        return [f"{stem}.py:{function}"]
    file = stem if colon and not function else name
    if not file.endswith(".py") or not path_of(file).is_file():
        return None
    try:
        return [f"{file}:{each}" for each in factories(path_of(file).read_bytes())]
    except (SyntaxError, ValueError, OSError):
        return []


def check(path: Path, function: str) -> None:
    """Refuse a file that is not there or is no Python, and a function that is not in it, as far as its text tells.

    Raises:
        InputError: there is no such file or function.
    """
    if not path.is_file():
        raise InputError(
            f"{path}: no such file: --model FILE.py:FUNCTION names a file and a function in it that makes a network"
        )
    try:
        source = path.read_bytes()
    except OSError:
        return  # the import says why
    try:
        names = factories(source)
    except (SyntaxError, ValueError) as error:
        raise InputError(f"{path}: cannot be imported: {_where(error, path)}") from error
    if lacks(source, function):
        raise _no_factory(path, function, names)


def _no_factory(path: Path, function: str, names: Sequence[str]) -> InputError:
    if not names:
        return InputError(f"{path}:{function}: expected a function or torch module, got a file that has none")
    return unknown(f"factory in {path}", function, names)


def from_factory(
    path: Path, function: str, *, num_classes: int, image_size: int
) -> "tuple[nn.Module, InputSpec | None]":
    """Run a factory and return its module, and its input contract if it gives one.

    The factory is called with `num_classes` and `image_size` where it has parameters of these names; it returns a
    module, or (module, `InputSpec`).

    Raises:
        InputError: no such file or function, the file or the factory fails, or it returns something else.
    """
    from torch import nn  # here, so that names of functions are looked at without it

    check(path, function)
    module = _import(path)
    factory = getattr(module, function, None)
    if not callable(factory):
        names = [
            name
            for name, value in vars(module).items()
            if inspect.isfunction(value)
            or (
                inspect.isclass(value)
                and issubclass(value, nn.Module)
                and value.__module__ == module.__name__
            )
        ]
        raise _no_factory(path, function, names)
    if isinstance(factory, nn.Module):
        raise InputError(
            f"{path}:{function}: expected a function that returns the network, got the network itself: "
            f"put it into one, as in `def make(): return {function}`"
        )
    offered = dict(zip(OFFERED, (num_classes, image_size), strict=True))
    wanted = inspect.signature(factory).parameters
    made = _run(path, function, factory, {name: value for name, value in offered.items() if name in wanted})
    network, spec = made if isinstance(made, tuple) and len(made) == 2 else (made, None)
    if not isinstance(network, nn.Module) or not isinstance(spec, InputSpec | None):
        kind = (
            f"({', '.join(type(x).__name__ for x in made)})"
            if isinstance(made, tuple)
            else type(made).__name__
        )
        raise InputError(f"{path}:{function}: expected a module or (module, InputSpec), got {kind}")
    return network, spec


@contextmanager
def standing_in(path: Path) -> Iterator[None]:
    """Let a user's file, after `from_factory`, be the module that a pickle names: ``__main__``, or the file's own name.

    `torch.save` of a whole network names the module of its class: that is ``__main__`` where the file was run.
    """
    module = sys.modules[_module_name(path)]
    before = {name: sys.modules.get(name) for name in ("__main__", path.stem)}
    sys.modules["__main__"] = module
    sys.modules.setdefault(path.stem, module)
    try:
        yield
    finally:
        for name, old in before.items():
            if old is None:
                sys.modules.pop(name, None)
            else:
                sys.modules[name] = old


def _module_name(path: Path) -> str:
    return f"ppbench_factory_{path.stem}"


def _import(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(_module_name(path), path)
    assert spec is not None  # a .py file always has a loader
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses and pickles in the file look themselves up here
    sys.path.insert(0, str(path.parent.resolve()))  # so that the file can import its neighbours
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise InputError(f"{path}: cannot be imported: {_where(error, path)}") from error
    finally:
        sys.path.pop(0)
    return module


def _run(path: Path, function: str, factory: Any, arguments: dict[str, int]) -> Any:
    try:
        return factory(**arguments)
    except Exception as error:
        raise InputError(f"{path}:{function}: failed: {_where(error, path)}") from error


def _where(error: Exception, path: Path) -> str:
    """The error in one line, with the last line of the user's file that it passed through."""
    lines = [
        frame.lineno
        for frame in traceback.extract_tb(error.__traceback__)
        if Path(frame.filename) == path.resolve()
    ] or [
        frame.lineno
        for frame in traceback.extract_tb(error.__traceback__)
        if frame.filename.endswith(path.name)
    ]
    said = str(error)
    if isinstance(error, SyntaxError) and not lines:  # of the file itself, which was only read
        said, lines = error.msg, [error.lineno] if error.lineno else []
    place = f" (line {lines[-1]})" if lines else ""
    return f"{type(error).__name__}: {' '.join(said.split())}{place}"
