"""The class lists: one wnid a line, in the order of the labels.

`imagenet` is ILSVRC 2012's 1,000 classes (the order every ImageNet model answers in is the sorted order of their
wnids), `tiny-imagenet` Tiny-ImageNet's 200, which are ImageNet-200's too, and `imagenet100` the ImageNet-100 that the
push-pull paper evaluates on. Other sets of 100 classes go by that name: PRIME's is every tenth class.
"""

from functools import cache
from pathlib import Path


@cache
def class_list(name: str) -> tuple[str, ...]:
    """Return the wnids of a list, label 0 first."""
    return tuple((Path(__file__).parent / f"{name}.txt").read_text(encoding="ascii").split())
