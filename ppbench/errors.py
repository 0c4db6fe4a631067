"""What goes wrong by the user's hand: one line, exit code 2."""

from collections.abc import Iterable
from difflib import get_close_matches


class InputError(ValueError):
    """A user's mistake, said in one lower-case line: what was expected, what was found, what to do next."""


def unknown(kind: str, got: str, known: Iterable[str]) -> InputError:
    """Return the error for a name that is not in a list, with the near miss suggested.

    Args:
        kind: what is named, e.g. ``"corruption"``.
        got: the name that was given.
        known: the names that exist; listed in the message unless a near miss says enough.
    """
    names = list(known)
    near = get_close_matches(str(got), names, n=1, cutoff=0.6)
    hint = f"did you mean {near[0]!r}?" if near else f"expected one of {', '.join(names)}"
    return InputError(f"unknown {kind} {got!r}: {hint}")


def check_seed(seed: int) -> None:
    """Refuse a seed below 0: NumPy and torch know none, and one that means something here only could not be repeated.

    Raises:
        InputError: it is negative.
    """
    if seed < 0:
        raise InputError(f"expected a seed of 0 or more, got {seed}")
