"""manifest.json of a generated set: what it was made from, and a digest for each finished cell.

It is also the memory of an interrupted generation: a cell is in it once its files are whole, and never before.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ppbench import atomic
from ppbench.data.generated_set import MANIFEST, SCHEMA_VERSION
from ppbench.errors import InputError
from ppbench.spelling import spelled_content


@dataclass(frozen=True)
class Manifest:
    """What a generated set is.

    Attributes:
        facts: everything its bytes depend on: data, digest, protocol, seed, code versions; equal facts, equal bytes.
        digests: ``corruption/severity`` -> SHA-256 of the cell, for the finished ones.
        labels: SHA-256 of the labels of one severity; None where the layout has no file of labels.
    """

    facts: Mapping[str, Any]
    digests: Mapping[str, str]
    labels: str | None = None

    def with_cell(self, corruption: str, severity: int, digest: str) -> "Manifest":
        """Return the manifest with one more finished cell."""
        return replace(self, digests={**self.digests, f"{corruption}/{severity}": digest})

    def has(self, corruption: str, severity: int) -> bool:
        """Whether a cell is finished."""
        return f"{corruption}/{severity}" in self.digests

    def write(self, folder: Path) -> None:
        """Write manifest.json, the cells in order, so that equal sets have equal manifests."""
        content = {
            "schema_version": SCHEMA_VERSION,
            **self.facts,
            **({} if self.labels is None else {"labels": self.labels}),
            "cells": {key: self.digests[key] for key in sorted(self.digests)},
        }
        atomic.write_text(
            folder / MANIFEST, json.dumps(spelled_content(content), indent=2, ensure_ascii=False) + "\n"
        )


def read(folder: Path) -> Manifest | None:
    """Return the manifest of a folder, or None where there is none.

    Raises:
        InputError: the file is not a manifest that this version reads.
    """
    path = folder / MANIFEST
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        cells = content.pop("cells")
        labels = content.pop("labels", None)
        version = content.pop("schema_version")
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, AttributeError) as error:
        raise InputError(
            f"{path}: expected a manifest of `ppbench generate`, got {error}; remove the file"
        ) from error
    if version != SCHEMA_VERSION:
        raise InputError(
            f"{path}: expected schema_version {SCHEMA_VERSION}, got {version!r}: use another --out"
        )
    return Manifest(content, cells, labels)


def resume(folder: Path, facts: Mapping[str, Any]) -> Manifest:
    """Return the manifest to go on from: the folder's own, or a new one for an empty or missing folder.

    Raises:
        InputError: the folder holds a set made from something else, or files that are not ours.
    """
    # Through JSON, so that tuples and lists compare as what will be read back.
    wanted = json.loads(json.dumps(facts))
    found = read(folder)
    if found is None:
        strangers = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
        if strangers:
            raise InputError(
                f"expected an empty folder or one that `ppbench generate` began, got {str(folder)!r} "
                f"with {strangers[0]!r}: use another --out"
            )
        return Manifest(wanted, {})
    differing = [key for key in {**wanted, **found.facts} if wanted.get(key) != found.facts.get(key)]
    if differing:
        key = differing[0]
        raise InputError(
            f"{folder / MANIFEST}: expected a set with {key} {wanted.get(key)!r}, got {found.facts.get(key)!r}: "
            "use another --out"
        )
    return found
