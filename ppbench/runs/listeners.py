"""Who is told what happens in an evaluation."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ppbench.runs.plan import Plan
from ppbench.runs.standing import Standing
from ppbench.setup.finding import SetupCheck


@dataclass(frozen=True, kw_only=True)
class Listeners:
    """Who is told what happens in an evaluation; what `check` and `check_setups` raise ends it.

    Attributes:
        batch: after each batch: the cell, its number of images, and the images of the whole run.
        standing: after each finished cell: the scores so far.
        warning: one line about a set-up that looks wrong, or about what went wrong without harm.
        note: one line about a network's input, what was inferred or assumed, or passed over among the images.
        check: what is settled, before the work.
        check_setups: what was found of the models on a few images.
    """

    warning: Callable[[str], None]
    batch: Callable[[str, int, int], None] = lambda _cell, _images, _total: None
    standing: Callable[[Standing], None] = lambda _standing: None
    note: Callable[[str], None] = lambda _line: None
    check: Callable[[Plan], None] = lambda _plan: None
    check_setups: Callable[[Sequence[SetupCheck]], None] = lambda _checks: None
