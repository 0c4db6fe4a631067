"""The example images of the page: two pictures, the truth, and who says what."""

from dataclasses import dataclass

from ppbench.reporting.figures.curves import title
from ppbench.reporting.figures.palette import series
from ppbench.reporting.html.pictures import photo
from ppbench.reporting.report_content import Example, ReportContent

_WITH_CONFIDENCE = 4
"""With more models than these, confidences would drown the answers."""


@dataclass(frozen=True)
class Answer:
    """A class, and the models that see it.

    Attributes:
        label: the class; words where the outputs were not finite.
        models: letters, of few models with confidences: ``"A 93 %, B 81 %"``.
        right: whether it is the true class.
    """

    label: str
    models: str
    right: bool


@dataclass(frozen=True)
class ExampleView:
    """One image.

    Attributes:
        corrupted: data URI.
        clean: data URI; empty without a clean image.
        alt: the corrupted one in words.
        truth: its class.
        answers: the classes that models see, those of most models first.
    """

    corrupted: str
    clean: str
    alt: str
    truth: str
    answers: tuple[Answer, ...]


@dataclass(frozen=True)
class ExampleRow:
    """Images of one cell under its heading."""

    heading: str
    examples: tuple[ExampleView, ...]


def example_rows(content: ReportContent) -> list[ExampleRow]:
    """Return the rows of the strip; empty where the images could not be had."""
    letters = {model: series(place).letter for place, model in enumerate(content.models)}
    of = "" if len(content.models) == 1 else ", mean of the models"
    return [
        ExampleRow(
            f"{title(cell.corruption)}, severity {cell.severity}: error {cell.error:.1f} %{of}",
            tuple(
                _view(each, f"{title(cell.corruption)} {cell.severity}", letters) for each in cell.examples
            ),
        )
        for cell in content.examples.cells
    ]


def _view(example: Example, under: str, letters: dict[str, str]) -> ExampleView:
    by_label: dict[str | None, list[str]] = {}
    for model, (label, confidence) in example.answers.items():
        sure = label is not None and len(letters) <= _WITH_CONFIDENCE
        told = f"{letters[model]}\u00a0{confidence:.0f}\u00a0%" if sure else letters[model]
        by_label.setdefault(label, []).append(told)
    answers = tuple(
        Answer("outputs not finite" if label is None else label, ", ".join(told), label == example.truth)
        for label, told in sorted(by_label.items(), key=lambda item: -len(item[1]))
    )
    return ExampleView(
        photo(example.corrupted),
        "" if example.clean is None else photo(example.clean),
        f"image {example.image}, {example.truth}, under {under}",
        example.truth,
        answers,
    )
