"""Corruptions of third parties: from installed packages (entry points) and from files.

A plug-in is a `Corruption` with its own constants (five mappings, severity 1 to 5) and a name of its own; it is put
in the group "plugin". A package names it in its entry points,

    [project.entry-points."ppbench.corruptions"]
    rain = "my_package.rain:RAIN"

and a file, given to `load_file`, holds it at its top level. From then on `corrupt` knows it by name.
"""

import importlib.util
import inspect
import sys
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from hashlib import sha256
from importlib.metadata import entry_points
from pathlib import Path

from corruptions.definition import Corruption
from corruptions.errors import CorruptionError, unknown
from corruptions.names import GROUPS, Library

ENTRY_POINTS = "ppbench.corruptions"
_registered: dict[str, tuple[Corruption, str]] = {}  # name: (corruption, digest of its source)


def load_file(path: str | Path) -> tuple[str, ...]:
    """Register every `Corruption` at the top level of a Python file, which is run; return their names.

    Raises:
        CorruptionError: there is no such file, it fails, or what it holds is not a plug-in (see `register`).
    """
    file = Path(path).resolve()
    if not file.is_file():
        raise CorruptionError(f"expected a Python file of corruptions, got no file {path}")
    digest = sha256(file.read_bytes()).hexdigest()
    module_name = f"corruptions_plugin_{digest[:16]}"
    spec = importlib.util.spec_from_file_location(module_name, file)
    if spec is None or spec.loader is None:
        raise CorruptionError(f"expected a Python file of corruptions (.py), got {path}")
    module = importlib.util.module_from_spec(spec)
    sys.modules[module_name] = module  # dataclasses and pickling look their module up
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        del sys.modules[module_name]
        raise CorruptionError(f"expected {path} to run, got {type(error).__name__}: {error}") from error
    found = [c for c in vars(module).values() if isinstance(c, Corruption) and c.name not in GROUPS]
    if not found:
        raise CorruptionError(
            f"expected a corruptions.Corruption of a new name at the top level of {path}, got none"
        )
    return tuple(register(c, digest) for c in found)


def register(what: Corruption, digest: str = "") -> str:
    """Make a plug-in known under its name, in the group "plugin"; return the name.

    Args:
        what: the corruption; registering it again, or a changed one of the same name, replaces it.
        digest: of its source, if known: it becomes part of `code_version`, so that stored results of another
            version of the file are not reused.

    Raises:
        CorruptionError: the name is a built-in corruption's or not a plain name, or it has no five constants.
    """
    if not isinstance(what, Corruption):
        raise CorruptionError(f"expected a plug-in to be a corruptions.Corruption, got {type(what).__name__}")
    if what.name in GROUPS:
        raise CorruptionError(f"expected a plug-in to have a name of its own, got the built-in {what.name!r}")
    if not what.name.isidentifier():
        raise CorruptionError(f"expected a plug-in's name to be letters, digits and _, got {what.name!r}")
    rows = what.constants
    if rows is None or len(rows) != 5 or not all(isinstance(row, Mapping) for row in rows):
        raise CorruptionError(
            f"expected constants of plug-in {what.name!r} to be five mappings, severity 1 to 5"
        )
    _registered[what.name] = (replace(what, group="plugin"), digest)
    return what.name


def plugins() -> Mapping[str, Corruption]:
    """Return all plug-ins by name: those registered, and those of installed packages.

    Raises:
        CorruptionError: an installed package's plug-in cannot be loaded; the message names the package.
    """
    _load_installed()
    return {name: what for name, (what, _) in sorted(_registered.items())}


def digest_of(name: str) -> str:
    """Return the digest of a plug-in's source; empty for a built-in corruption or if it is not known."""
    return _registered[name][1] if name in _registered else ""


@cache
def _load_installed() -> None:
    for entry in entry_points(group=ENTRY_POINTS):
        owner = entry.dist.name if entry.dist else "?"
        try:
            what = entry.load()
        except Exception as error:
            raise CorruptionError(
                f"expected entry point {entry.name!r} of package {owner} to load, got {type(error).__name__}: {error}"
            ) from error
        if isinstance(what, Corruption) and what.name in _registered:
            continue  # a file given by the user goes before
        source = inspect.getsourcefile(what.apply) if isinstance(what, Corruption) else None
        register(what, sha256(Path(source).read_bytes()).hexdigest() if source else "")


def find(name: str, jpeg_codec: Library = "ijg9") -> Corruption:
    """Return the corruption of that name, built in or plugged in.

    Args:
        name: of the corruption.
        jpeg_codec: whose JPEG jpeg_compression is.

    Raises:
        CorruptionError: there is none, or no such codec; the near miss is suggested.
    """
    if name in GROUPS:
        from corruptions.registry import corruption  # brings torch, which the names of plug-ins do not need

        return corruption(name, jpeg_codec)
    known = plugins()
    if name not in known:
        raise unknown("corruption", name, [*GROUPS, *known])
    return known[name]
