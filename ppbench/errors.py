"""What goes wrong by the user's hand: one line, exit code 2."""

import re
from collections.abc import Iterable
from difflib import get_close_matches


class InputError(ValueError):
    """A user's mistake, said in one lower-case line: what was expected, what was found, what to do next."""


_MANY = 24
"""Names that a message lists; of more it names those that begin alike, or says where they are listed."""


def unknown(kind: str, got: str, known: Iterable[str], *, listed_by: str = "") -> InputError:
    """Return the error for a name that is not in a list, with what was probably meant.

    Args:
        kind: what is named, e.g. ``"corruption"``.
        got: the name that was given.
        known: the names that exist; listed in the message unless a near miss says enough.
        listed_by: the command that lists them, where they are many.
    """
    names, begins = list(known), str(got)
    # In whole words: cifar10 is cifar10-c, and not cifar100-c.
    begun = [
        name for name in names if len(begins) > 2 and re.match(rf"{re.escape(begins)}[^a-zA-Z0-9]", name)
    ]
    near = begun if 0 < len(begun) <= 3 else get_close_matches(begins, names, n=1, cutoff=0.6)
    if near:
        hint = f"did you mean {' or '.join(map(repr, near))}?"
    elif listed_by and len(names) > _MANY:
        hint = f"`{listed_by}` lists all {len(names)}"
    else:
        hint = f"expected one of {', '.join(names)}"
    return InputError(f"unknown {kind} {got!r}: {hint}")


def check_seed(seed: int) -> None:
    """Refuse a seed below 0: NumPy and torch know none, and one that means something here only could not be repeated.

    Raises:
        InputError: it is negative.
    """
    if seed < 0:
        raise InputError(f"expected a seed of 0 or more, got {seed}")
