"""The class lists: one wnid (of CIFAR one name) a line, in the order of the labels, which is their sorted order.

A wnid is WordNet's number of a noun; which of them make up a data set is a fact about that set. Where each comes from:

- `imagenet`: the 1,000 synsets of the ILSVRC 2012 classification task (Russakovsky et al. 2015). Every published
  ImageNet model numbers its answers by their sorted order: 0 is n01440764, tench.
- `tiny-imagenet`: the 200 synsets of Tiny-ImageNet (`wnids.txt` of Stanford's CS231n archive), sorted; these are the
  classes of Tiny-ImageNet-C, and of the push-pull paper's ImageNet-200, whose images are ImageNet's at full size.
- `imagenet100`: the 100 synsets of the push-pull paper's ImageNet-100, which its authors' published code names in
  `imagenet_100_classes.json`. Other sets of 100 classes go by that name: PRIME's is every tenth class.
- `cifar10`, `cifar100`: the names that the authors' files give the (fine) labels (Krizhevsky 2009).
"""

from functools import cache
from pathlib import Path


@cache
def class_list(name: str) -> tuple[str, ...]:
    """Return the wnids or names of a list, label 0 first; a name may have spaces."""
    return tuple((Path(__file__).parent / f"{name}.txt").read_text(encoding="utf-8").splitlines())
