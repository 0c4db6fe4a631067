"""The gate's baseline: a small text file, meant to be committed, of which image a model got wrong in which cell.

Outcomes are packed eight to a byte. The file says what it was measured on, so that a run on anything else is
refused, and carries a checksum, so that a hand-edited or half-merged file is noticed.
"""

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ppbench.errors import InputError
from ppbench.scoring.normaliser import Normaliser, with_images
from ppbench.scoring.outcomes import Outcomes

SCHEMA_VERSION = 1
KIND = "ppbench baseline"

Fact = str | int | float | bool | None


@dataclass(frozen=True, eq=False)
class Baseline:
    """What a gate compares with.

    Attributes:
        outcomes: of the model.
        ids: int64 (N,), which image of the full set each column of the outcomes is.
        facts: what it was measured on: data, source, protocol, seed, digests; a run must agree in all of them.
        normaliser: what CE divides by; None: there are no CE rules.
        normaliser_outcomes: of the normaliser on the same images, where it was measured in the run.
        setup: how the model was set up, its input contract and what it returns; a run may differ, and is told. None in
            files of older versions.
    """

    outcomes: Outcomes
    ids: npt.NDArray[np.int64]
    facts: Mapping[str, Fact]
    normaliser: Normaliser | None = None
    normaliser_outcomes: Outcomes | None = None
    setup: Mapping[str, Fact] | None = None


def pack(baseline: Baseline) -> str:
    """Return the text of a baseline file; the same baseline gives the same bytes."""
    measured = baseline.normaliser_outcomes
    content: dict[str, Any] = {
        "kind": KIND,
        "schema_version": SCHEMA_VERSION,
        "facts": dict(baseline.facts),
        "images": baseline.outcomes.images,
        "ids": _text(baseline.ids.astype("<i8").tobytes()),
        "model": _packed(baseline.outcomes),
        "normaliser": None if baseline.normaliser is None else baseline.normaliser.to_dict(),
        "normaliser_model": None if measured is None else _packed(measured),
    }
    if baseline.setup is not None:
        content["setup"] = dict(baseline.setup)
    return (
        json.dumps({**content, "sha256": _checksum(content)}, indent=1, ensure_ascii=False, allow_nan=False)
        + "\n"
    )


def unpack(text: str, where: str) -> Baseline:
    """Read a baseline file's text.

    Args:
        text: the content of the file.
        where: the file's name, for messages.

    Raises:
        InputError: it is no baseline, of another schema version, or damaged.
    """
    try:
        content = json.loads(text)
    except ValueError as error:
        raise InputError(f"{where}: not a baseline file: {error}") from None
    if not isinstance(content, dict) or content.get("kind") != KIND:
        raise InputError(f"{where}: not a baseline file: make one with ppbench gate --update")
    version = content.get("schema_version")
    if type(version) is not int or version != SCHEMA_VERSION:  # true and 1.0 are equal to 1
        raise InputError(
            f"{where}: expected schema_version {SCHEMA_VERSION}, got {version!r}; renew it with --update"
        )
    checksum = content.pop("sha256", None)
    wanted = _checksum(content)
    if checksum != wanted:
        got = f"{str(checksum)[:12]}…: it was changed; renew it with --update"
        raise InputError(f"{where}: expected sha256 {wanted[:12]}…, got {got}")
    try:
        return _read(content)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise InputError(
            f"{where}: damaged baseline file ({type(error).__name__} {error}); renew it with --update"
        ) from None


def disagreements(ours: Mapping[str, Fact], theirs: Mapping[str, Fact]) -> list[str]:
    """Return in which facts two measurements differ, one text each; empty if they may be paired.

    Args:
        ours: the facts of this run.
        theirs: those of the baseline, or of the run compared with.
    """
    return [
        f"{name} is {ours.get(name, 'not recorded')!s}, there {theirs.get(name, 'not recorded')!s}"
        for name in dict.fromkeys((*theirs, *ours))
        if name not in ours or name not in theirs or ours[name] != theirs[name]
    ]


def aligned(
    outcomes: Outcomes, ids: Sequence[int] | npt.NDArray[np.int64], to: npt.NDArray[np.int64]
) -> Outcomes:
    """Return the outcomes with their images in another order.

    Args:
        outcomes: whose columns are images `ids`.
        ids: which image each column is, (N,).
        to: the same images in the order wanted, (N,).

    Raises:
        InputError: the images are not the same.
    """
    place = {int(image): column for column, image in enumerate(ids)}
    wanted = [int(image) for image in to]
    if len(place) != outcomes.images or place.keys() != set(wanted):
        shared = len(place.keys() & set(wanted))
        got = f"{outcomes.images}, {shared} of them the same"
        raise InputError(f"expected the same {len(wanted)} images, got {got}")
    return Outcomes(outcomes.model, outcomes.cells, outcomes.wrong[:, [place[image] for image in wanted]])


def _packed(outcomes: Outcomes) -> dict[str, Any]:
    return {
        "name": outcomes.model,
        "cells": [f"{corruption},{severity}" for corruption, severity in outcomes.cells],
        "wrong": _text(np.packbits(outcomes.wrong, axis=None).tobytes()),
    }


def _outcomes(packed: Mapping[str, Any], images: int) -> Outcomes:
    cells = [cell.rsplit(",", 1) for cell in packed["cells"]]
    bits = np.frombuffer(_bytes(packed["wrong"]), np.uint8)
    if len(bits) != -(-len(cells) * images // 8):
        raise ValueError(f"{len(bits)} bytes of outcomes for {len(cells)} cells of {images} images")
    wrong = np.unpackbits(bits, count=len(cells) * images).reshape(len(cells), images).astype(bool)
    return Outcomes(packed["name"], tuple((name, int(severity)) for name, severity in cells), wrong)


def _read(content: Mapping[str, Any]) -> Baseline:
    images = int(content["images"])
    ids = np.frombuffer(_bytes(content["ids"]), "<i8").astype(np.int64)
    if len(ids) != images:
        raise ValueError(f"{len(ids)} ids for {images} images")
    kept = content["normaliser"]
    measured = content["normaliser_model"]
    normaliser = None if kept is None else with_images(Normaliser.from_dict(kept), images)
    return Baseline(
        _outcomes(content["model"], images),
        ids,
        content["facts"],
        normaliser,
        None if measured is None else _outcomes(measured, images),
        content.get("setup"),
    )


def _checksum(content: Mapping[str, Any]) -> str:
    plain = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(plain.encode()).hexdigest()


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def _bytes(text: str) -> bytes:
    return base64.b64decode(text, validate=True)
