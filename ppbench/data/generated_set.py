"""Published layouts that `ppbench generate` wrote: read like published ones, but not the published files."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from ppbench.data.severities import SEVERITIES

MANIFEST = "manifest.json"

SCHEMA_VERSION = 2
"""Of the manifest; the digests of an older one cannot all be compared with what is in its folder."""


@dataclass(frozen=True)
class GeneratedSet:
    """How a generated folder came about.

    Attributes:
        by: what made it, with its version.
        seed: of its corruptions.
        cells: ``corruption/severity`` -> SHA-256 of the cell, in hexadecimal; of an array's pixels, of a tree what
            `cell_digest` returns. Empty in manifests of older versions.
        labels: SHA-256 of the labels of one severity as they lie in labels.npy; None where there are none.
        jpeg_codec: whose JPEG they have been through; None where none, or in folders of older versions.
        unfinished: corruptions that were asked for and lack a cell: `generate` was cut off.
        limit: size of the stratified subset that was taken; None where all images were.
        clean_digest: of the clean images that it was made from; None in folders of older versions.
        protocol: whose constants.
    """

    by: str
    seed: int
    cells: Mapping[str, str] = field(default_factory=dict)
    labels: str | None = None
    jpeg_codec: str | None = None
    unfinished: tuple[str, ...] = ()
    limit: int | None = None
    clean_digest: str | None = None
    protocol: str | None = None


def generated_set(folder: Path) -> GeneratedSet | None:
    """Return how a folder in a published layout was made; None where no manifest says that ppbench made it."""
    try:
        content = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        by, seed, codec = str(content["made_by"]), int(content["seed"]), content.get("jpeg_codec")
        limit, clean = content.get("limit"), content.get("clean_digest")
        protocol = content.get("protocol")
        made = GeneratedSet(
            by,
            seed,
            jpeg_codec=None if codec is None else str(codec),
            limit=None if limit is None else int(limit),
            clean_digest=None if clean is None else str(clean),
            protocol=None if protocol is None else str(protocol),
        )
        if content["schema_version"] != SCHEMA_VERSION:
            return made
        cells = dict(content["cells"])
        unfinished = tuple(
            name for name in content["corruptions"] if not all(f"{name}/{k}" in cells for k in SEVERITIES)
        )
        return replace(made, cells=cells, labels=content.get("labels"), unfinished=unfinished)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def cell_digest(files: Mapping[str, bytes]) -> str:
    """Return the digest, in hexadecimal, of a cell of image files: in whichever order they were made or are found.

    Args:
        files: name -> SHA-256 of its bytes.
    """
    digest = hashlib.sha256()
    for name in sorted(files):
        digest.update(name.encode(errors="surrogateescape") + b"\0" + files[name])
    return digest.hexdigest()
