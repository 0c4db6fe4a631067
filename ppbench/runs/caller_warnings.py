"""Warnings for Python callers, which point at the caller's own line, however deep inside ppbench they arise."""

import inspect
import warnings
from collections.abc import Callable


class EvaluationWarning(UserWarning):
    """A number of an evaluation may not be what its reader takes it for, or something went wrong without harm."""


def at_the_caller(kind: type[UserWarning] = EvaluationWarning) -> Callable[[str], None]:
    """Return a function that warns with a line of text, at the line of code that called into ppbench.

    That line is looked up now, because the warning may come from another thread, or from a stack of any depth.
    """
    frame = inspect.currentframe()
    while frame.f_back is not None and _ours(str(frame.f_globals.get("__name__"))):  # type: ignore[union-attr]  # CPython
        frame = frame.f_back  # type: ignore[union-attr]  # as above
    assert frame is not None
    file, line, names = frame.f_code.co_filename, frame.f_lineno, frame.f_globals
    module, seen = names.get("__name__"), names.setdefault("__warningregistry__", {})
    del frame  # it would keep the caller's variables alive

    def warn(text: str) -> None:
        warnings.warn_explicit(text, kind, file, line, module, seen)

    return warn


def _ours(module: str) -> bool:
    return module.partition(".")[0] == "ppbench"
