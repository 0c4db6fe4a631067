"""What people call the classes of a data set."""

from collections.abc import Sequence

from ppbench.data.class_order import Classes
from ppbench.data.classes import class_list
from ppbench.data.registry import DATA_SETS


def class_names(data: str, num_classes: int, classes: Classes | None = None) -> Sequence[str]:
    """Return the names of the classes, label 0 first: words where the set has some, ``"class 7"`` where not.

    Args:
        data: the set's name, e.g. ``"cifar10-c"``.
        num_classes: how many names are needed.
        classes: the class folders, where there are some: what they are called counts where the set has no words.
    """
    names: Sequence[str] = ()
    folders = None if classes is None or classes.by == "known" else classes.names
    if folders is not None and data in ("cifar10-c", "cifar100-c", "folder-c"):
        names = [name.replace("_", " ") for name in folders]
    elif data == "digits-c":
        names = [str(digit) for digit in range(10)]
    elif data in ("cifar10-c", "cifar100-c"):
        names = [name.replace("_", " ") for name in class_list(data.removesuffix("-c"))]
    elif data in DATA_SETS and (wnids := DATA_SETS[data].wnids) is not None:
        words = imagenet_words()
        names = [words.get(wnid, wnid) for wnid in folders or wnids]
    if len(names) != num_classes:
        return [f"class {label}" for label in range(num_classes)]
    return names


def class_ids(data: str, num_classes: int, classes: Classes | None = None) -> tuple[str, ...] | None:
    """Return what the classes of a set are known by, label 0 first: wnids, or names; None where nothing is known.

    Args:
        data: the set's name, e.g. ``"imagenet100-c"``.
        num_classes: how many there are.
        classes: the class folders, where there are some.
    """
    known = DATA_SETS[data].class_ids if data in DATA_SETS else None
    ids = known if classes is None else classes.names
    return tuple(ids) if ids is not None and len(ids) == num_classes else None


def answer_name(names: Sequence[str], answer: int) -> str:
    """Return what a network's answer is called.

    Args:
        names: of the classes, label 0 first.
        answer: a label; below 0 where an output was not finite; from the number of classes on an output that is none
            of them.
    """
    if answer < 0:
        return "not finite"
    return names[answer] if answer < len(names) else f"output {answer - len(names)}, no class here"


def imagenet_words() -> dict[str, str]:
    """Return a short English name for each wnid of ImageNet, as torchvision's weights carry them."""
    from torchvision.models import ResNet18_Weights

    categories: Sequence[str] = ResNet18_Weights.IMAGENET1K_V1.meta["categories"]
    return dict(zip(class_list("imagenet"), categories, strict=True))
