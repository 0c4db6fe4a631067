"""Severity constants and image size of a protocol, read from `corruptions/protocols`."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from corruptions.errors import unknown
from corruptions.names import PROTOCOL_SIZES

PROTOCOLS = tuple(PROTOCOL_SIZES)


@dataclass(frozen=True)
class Protocol:
    """A set of severity constants, as the authors of the benchmark published it.

    Attributes:
        name: one of `PROTOCOLS`.
        size: height and width of the published images, pixels.
        storage_quality: JPEG quality (4:2:0) of the published files; None where they hold raw pixels.
        constants: for each corruption five mappings from parameter to value, severity 1 to 5.
    """

    name: str
    size: int
    storage_quality: int | None
    constants: Mapping[str, tuple[Mapping[str, float], ...]]


@cache
def protocol(name: str) -> Protocol:
    """Return the protocol of that name.

    Raises:
        CorruptionError: there is none; the near miss is suggested.
    """
    if name not in PROTOCOLS:
        raise unknown("protocol", name, PROTOCOLS)
    table = tomllib.loads(
        files("corruptions").joinpath("protocols", f"{name}.toml").read_text(encoding="utf-8")
    )
    size, quality = table.pop("size"), table.pop("storage_quality", None)
    constants = {
        corruption: tuple(dict(zip(rows, column, strict=True)) for column in zip(*rows.values(), strict=True))
        for corruption, rows in table.items()
    }
    return Protocol(name, size, quality, constants)
