"""What a table's numbers rest on: scale, normaliser, data, images, seed, what is missing."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from ppbench.scoring.scorecard import BOLD_FOOTNOTE, INTERVAL_FOOTNOTE, Scores
from ppbench.scoring.scores import MEAN_ERROR_FOOTNOTE, R_NET_FOOTNOTE

NOT_RECORDED = "not recorded"

LIBRARY_NAMES = {"ijg9": "IJG's libjpeg 9", "turbo": "libjpeg-turbo"}


@dataclass(frozen=True)
class TableContext:
    """What was measured, and how the corrupted images came about; None where the file does not say.

    Attributes:
        data: the data set, e.g. ``"digits-c"``.
        source: ``"published"`` files or ``"generated"`` images.
        protocol: the set of severity constants, e.g. ``"cifar-c"``.
        images: images per cell.
        seed: of generated corruptions and of a subset.
        generator: what made the corruptions, e.g. ``"ppbench 0.1.0"``; None for published files.
        precision: of the networks' arithmetic.
        jpeg_codec: whose JPEG generated images have been through, ``"ijg9"`` or ``"turbo"``; None where none, or where
            it is not known.
        files: whether published files are what they seem to be, in a few words; None for images made in memory.
        notes: what else a reader must know, one sentence each.
    """

    data: str | None = None
    source: str | None = None
    protocol: str | None = None
    images: int | None = None
    seed: int | None = None
    generator: str | None = None
    precision: str = "fp32"
    jpeg_codec: str | None = None
    files: str | None = None
    notes: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return the context as JSON knows it."""
        return {**asdict(self), "notes": list(self.notes)}

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> "TableContext":
        """Return the context that `to_dict` made."""
        return cls(**{**content, "notes": tuple(content["notes"])})


def provenance_lines(scores: Scores, context: TableContext) -> list[tuple[str, str]]:
    """Return what stands below a table: (label, text), the footnotes last."""
    lines = [("scale", scale_sentence(scores))]
    if scores.normaliser is not None:
        chosen = scores.normaliser
        source = "" if chosen.source == "this run" else f" ({chosen.source})"
        lines.append(("normaliser", f"{chosen.name}: {chosen.description}{source}"))
    lines.append(("data", data_sentence(context)))
    below = partial_lines(scores)
    lines.extend(each for each in below if each[0] == "partial")
    lines.extend(("note", note) for note in (*context.notes, *scores.notes))
    lines.extend(each for each in below if each[0] != "partial")
    if any(model.intervals for model in scores.models):
        lines.append(("interval", INTERVAL_FOOTNOTE))
        if len(scores.models) > 1:
            lines.append(("bold", BOLD_FOOTNOTE))
    lines.append(("mean error", MEAN_ERROR_FOOTNOTE.removeprefix("mean error: ")))
    if scores.baseline is not None:
        lines.append(("R_net", f"{R_NET_FOOTNOTE.removeprefix('R_net ')} Here b is {scores.baseline}."))
    return lines


def scale_sentence(scores: Scores) -> str:
    """Return what the numbers are measured in, and which way is better."""
    better = "lower is better" if scores.baseline is None else "lower is better, but a higher R_net"
    if scores.normaliser is None:
        return f"top-1 errors in per cent; {better}"
    return f"top-1 errors in per cent; in CE and mCE {scores.normaliser.name} has 100; {better}"


def data_sentence(context: TableContext) -> str:
    """Return what was measured, as it stands below every table: data, source, protocol, images, seed."""
    seed = "" if context.source == "published" and context.seed is None else f", seed {_or(context.seed)}"
    generator = f" by {context.generator}" if context.generator else ""
    images = f"images {NOT_RECORDED}" if context.images is None else f"{context.images:,} images a cell"
    files = f" ({context.files})" if context.files else ""
    jpeg = (
        ""
        if context.jpeg_codec is None
        else f"; JPEG of {LIBRARY_NAMES.get(context.jpeg_codec, context.jpeg_codec)}"
    )
    precision = "" if context.precision == "fp32" else f"; networks in {context.precision}"
    return (
        f"{_or(context.data)}; source {_or(context.source)}{generator}{files}; protocol {_or(context.protocol)}; "
        f"{images}{seed}{jpeg}{precision}"
    )


def _or(value: object) -> str:
    return NOT_RECORDED if value is None else str(value)


def partial_lines(scores: Scores) -> list[tuple[str, str]]:
    """Return what models were not measured on, labelled ``partial``, and why they lack scores, labelled ``note``."""
    lacking = _shared(scores, [model.partial for model in scores.models])
    why = _shared(scores, [model.notes for model in scores.models])
    return [*(("partial", text) for text in lacking), *(("note", text) for text in why)]


def _shared(scores: Scores, texts: list[tuple[str, ...]]) -> list[str]:
    """Return each text once, with the models it holds for unless it holds for all."""
    found: list[str] = []
    for text in dict.fromkeys(text for each in texts for text in each):
        models = [model.model for model, each in zip(scores.models, texts, strict=True) if text in each]
        found.append(text if len(models) == len(scores.models) else f"{', '.join(models)}: {text}")
    return found
