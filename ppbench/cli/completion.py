"""What a shell completes behind an option: names that ppbench knows. Asked at every press of the tab key: no torch."""

from collections.abc import Callable, Iterable

Names = Callable[[], Iterable[str]]


def one_of(names: Names) -> Callable[[str], list[str]]:
    """Return a completion of one name."""

    def complete(incomplete: str) -> list[str]:
        return [name for name in names() if name.startswith(incomplete)]

    return complete


def several_of(names: Names) -> Callable[[str], list[str]]:
    """Return a completion of the last of several names with commas."""

    def complete(incomplete: str) -> list[str]:
        done, comma, last = incomplete.rpartition(",")
        return [f"{done}{comma}{name}" for name in names() if name.startswith(last)]

    return complete


def models() -> list[str]:
    """Return the ids of known checkpoints, and the networks."""
    from ppbench.models.index import known_index
    from ppbench.models.registry import ARCHITECTURES

    return [*(entry.id for entry in known_index()), *ARCHITECTURES]


def own_models() -> list[str]:
    """Return the ids of the checkpoints that the user added."""
    from ppbench.models.index import user_index

    return [entry.id for entry in user_index()]


def architectures() -> list[str]:
    """Return the networks that can be built."""
    from ppbench.models.registry import ARCHITECTURES

    return list(ARCHITECTURES)


def data_sets() -> list[str]:
    """Return the data sets."""
    from ppbench.data.registry import DATA_SETS

    return list(DATA_SETS)


def archives() -> list[str]:
    """Return the sets that can be downloaded."""
    from ppbench.data.archives import ARCHIVES

    return list(ARCHIVES)


def corruptions() -> list[str]:
    """Return the corruptions, their groups and the other selections."""
    from ppbench.scoring.names import ALL, GROUPS

    return ["benchmark", "all", "extra", "others", *GROUPS, *ALL]


def protocols() -> list[str]:
    """Return the protocols."""
    from corruptions import PROTOCOLS

    return list(PROTOCOLS)


def recipes() -> list[str]:
    """Return the shipped recipes."""
    from ppbench.training.recipe import recipe_names

    return recipe_names()


def augmentations() -> list[str]:
    """Return the augmentations."""
    from ppbench.training.recipe import AUGMENTATIONS

    return list(AUGMENTATIONS)


def normalisers() -> list[str]:
    """Return what errors can be divided by."""
    from ppbench.scoring.normaliser import MEASURED, NORMALISERS

    return ["auto", MEASURED, "none", *NORMALISERS]


def references() -> list[str]:
    """Return the data sets with published results."""
    from ppbench.scoring.references import REFERENCE_DATA

    return list(REFERENCE_DATA)


def words(*names: str) -> Callable[[str], list[str]]:
    """Return a completion of one of a few words."""
    return one_of(lambda: names)
