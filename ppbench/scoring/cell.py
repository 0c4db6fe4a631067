"""One cell of the benchmark: how many images of one corruption at one severity were misclassified."""

from dataclasses import dataclass
from math import isfinite

from ppbench.errors import InputError
from ppbench.scoring.interval import wilson


@dataclass(frozen=True)
class Cell:
    """The error of a model on one corruption at one severity, or on the clean images.

    Attributes:
        n: images; None where only the error is known (a table from a paper).
        errors: misclassified images; None exactly where `n` is.
        stated: the error in per cent where only that is known, otherwise None.
    """

    n: int | None
    errors: int | None
    stated: float | None = None

    def __post_init__(self) -> None:
        if self.n is None or self.errors is None:
            if self.n is not self.errors:
                raise InputError(f"expected n and errors together, got n {self.n} and errors {self.errors}")
            if self.stated is None or not isfinite(self.stated) or not 0.0 <= self.stated <= 100.0:
                raise InputError(f"expected an error of 0..100 per cent, got {self.stated}")
        elif self.n < 1 or not 0 <= self.errors <= self.n:
            raise InputError(f"expected 0 <= errors <= n and n >= 1, got errors {self.errors} and n {self.n}")
        elif self.stated is not None:
            raise InputError(f"expected counts or a stated error, got both (stated {self.stated})")

    @classmethod
    def of_error(cls, error: float) -> "Cell":
        """Return a cell of which only the error (per cent) is known."""
        return cls(None, None, stated=error)

    @property
    def error(self) -> float:
        """The error in per cent."""
        if self.n is None or self.errors is None:
            assert self.stated is not None
            return self.stated
        return 100.0 * self.errors / self.n

    @property
    def interval(self) -> tuple[float, float] | None:
        """Wilson's 95 % interval in per cent; None where the images were not counted."""
        if self.n is None or self.errors is None:
            return None
        return wilson(self.errors, self.n)
