"""Common image corruptions: a batch of uint8 images in, the corrupted batch out.

Names, constants, errors and plug-ins are known without torch; what makes images is imported on first use.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from corruptions.definition import Corruption
from corruptions.errors import CorruptionError
from corruptions.names import EXTRA_NAMES, GROUPS, LIBRARIES, NAMES, SEVERITIES, Library
from corruptions.plugins import load_file, plugins, register
from corruptions.protocol import PROTOCOLS, Protocol, protocol
from corruptions.sizes import smallest_side

if TYPE_CHECKING:
    from corruptions.engine import code_version, constants_of, corrupt
    from corruptions.jpeg import jpeg_round_trip
    from corruptions.random import Random
    from corruptions.registry import corruption

_HOMES = {
    "Random": "corruptions.random",
    "code_version": "corruptions.engine",
    "constants_of": "corruptions.engine",
    "corrupt": "corruptions.engine",
    "corruption": "corruptions.registry",
    "jpeg_round_trip": "corruptions.jpeg",
}

__all__ = [
    "EXTRA_NAMES",
    "GROUPS",
    "LIBRARIES",
    "NAMES",
    "PROTOCOLS",
    "SEVERITIES",
    "Corruption",
    "CorruptionError",
    "Library",
    "Protocol",
    "Random",
    "code_version",
    "constants_of",
    "corrupt",
    "corruption",
    "jpeg_round_trip",
    "load_file",
    "plugins",
    "protocol",
    "register",
    "smallest_side",
]


def __getattr__(name: str) -> Any:
    """Import a public name that needs torch from its home, on first use."""
    if name not in _HOMES:
        raise AttributeError(f"module 'corruptions' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    """Return the public names, imported or not."""
    return sorted(__all__)
