"""Common image corruptions: a batch of uint8 images in, the corrupted batch out."""

from corruptions.definition import Corruption
from corruptions.engine import SEVERITIES, code_version, constants_of, corrupt
from corruptions.errors import CorruptionError
from corruptions.jpeg import LIBRARIES, jpeg_round_trip
from corruptions.jpeg_codec import Library
from corruptions.plugins import load_file, plugins, register
from corruptions.protocol import PROTOCOLS, Protocol, protocol
from corruptions.random import Random
from corruptions.registry import EXTRA_NAMES, GROUPS, NAMES, corruption

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
]
