"""Which training a file or a kept state is of: recipe, seed and images decide the weights."""

import json
from collections.abc import Mapping
from typing import Any

from ppbench.training.recipe import Recipe

_IN_WORDS_ONLY = "description"
"""The field of a recipe that decides nothing."""


def identity_of(recipe: Recipe, seed: int, data_digest: str) -> dict[str, Any]:
    """Return what makes a training this one, as JSON knows it; the digest is that of its images."""
    facts = {"recipe": recipe.to_dict(), "seed": seed, "data_digest": data_digest}
    plain: dict[str, Any] = json.loads(json.dumps(facts))
    return plain


def difference(wanted: Mapping[str, Any], found: Mapping[str, Any]) -> str | None:
    """Return how what was found is of another training, as ``seed 1, got 0``; None if it is of the wanted one.

    Args:
        wanted: an identity.
        found: what a file or a state says of itself; it may say more.
    """
    for key, expected in wanted.items():
        ours, theirs = _deciding(expected), _deciding(found.get(key))
        if ours != theirs:
            return f"{key.replace('_', ' ')} {_short(ours, theirs)}, got {_short(theirs, ours)}"
    return None


def _deciding(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    return {key: one for key, one in value.items() if key != _IN_WORDS_ONLY}


def _short(value: Any, other: Any) -> str:
    """Return a value in words; of a table only what differs."""
    if isinstance(value, dict) and isinstance(other, dict):
        value = {key: value.get(key) for key in value if value.get(key) != other.get(key)}
    return json.dumps(value)
