"""From others' names of the same tensors to ours (torchvision's): the third step of loading a checkpoint."""

import re
from collections.abc import Mapping
from typing import TypeVar

from ppbench.errors import InputError

# (what it is called, the name to find, the name to give). The first group is kept where there is one.
_ANY = (("DataParallel features", r"^features\.module\.", "features."),)
_RESNET = (
    ("bn -> bn1 (PushPull-Net authors)", r"^bn\.", "bn1."),
    ("classifier -> fc (PushPull-Net authors)", r"^classifier\.(?=weight$|bias$)", "fc."),
    ("linear -> fc", r"^linear\.(?=weight$|bias$)", "fc."),
    ("head -> fc", r"^head\.(fc\.)?(?=weight$|bias$)", "fc."),
    ("shortcut -> downsample", r"^(layer\d\.\d+\.)shortcut\.", r"\1downsample."),
)


Named = TypeVar("Named")


def canonical(tensors: Mapping[str, Named]) -> tuple[dict[str, Named], tuple[str, ...]]:
    """Return tensors, or whatever has their names, under torchvision's names, and what was renamed, in words.

    Raises:
        InputError: two tensors would have the same name.
    """
    rules = _ANY + (_RESNET if any(name.startswith("layer1.") for name in tensors) else ())
    counts = dict.fromkeys((rule[0] for rule in rules), 0)
    renamed: dict[str, Named] = {}
    for name, tensor in tensors.items():
        new = name
        for title, pattern, replacement in rules:
            new, hits = re.subn(pattern, replacement, new)
            counts[title] += hits
        if new in renamed:
            raise InputError(f"expected one tensor called {new!r}, got two: {name!r} is another name for it")
        renamed[new] = tensor
    return renamed, tuple(f"renamed {title} ({count} keys)" for title, count in counts.items() if count)
