"""What a run is about to measure: known before the work, so that a mistake can be found before it, too."""

from dataclasses import dataclass

from ppbench.runs.manifest import DataFacts


@dataclass(frozen=True)
class Planned:
    """A run that has not begun.

    Attributes:
        data: the images and cells.
        precision: that the networks will answer in.
        models: their names, as the tables will have them.
        normaliser_model: the one of them that CE will be divided by; None for a fixed table, or for none.
    """

    data: DataFacts
    precision: str
    models: tuple[str, ...]
    normaliser_model: str | None
