"""What a run says in words: of its networks' inputs, of what its weights are not, of its images and answers."""

from collections.abc import Iterable, Iterator

from corruptions.jpeg import JPEG_COMPRESSION
from ppbench.data.source import DataSource
from ppbench.evaluation.cells import CellId, title
from ppbench.evaluation.generator import Generator
from ppbench.models.loaded_model import LoadedModel
from ppbench.models.output_choice import OutputChoice
from ppbench.reporting.provenance_line import LIBRARY_NAMES
from ppbench.runs.predictions import Predictions


def input_contracts(models: Iterable[LoadedModel]) -> Iterator[str]:
    """Yield the lines: for each network what was assumed, a line each, and then its input contract with its source."""
    for model in models:
        for clause in model.assumed:
            yield f"{model.name}: assumed {clause}"
        yield f"{model.name}: {model.spec.summary()}: from {model.spec_source or 'the caller'}"


def caveats(models: Iterable[LoadedModel]) -> Iterator[str]:
    """Yield what the tables must say of the weights: a line for each caveat, with the networks that it is true of."""
    names: dict[str, list[str]] = {}
    for model in models:
        for caveat in model.caveats:
            names.setdefault(caveat, []).append(model.name)
    for caveat, whose in names.items():
        yield f"{', '.join(whose)}: {caveat}"


def output_choices(models: Iterable[LoadedModel], data: str) -> Iterator[str]:
    """Yield what the tables must say of networks with more outputs than classes: a line for each choice.

    Args:
        models: of the run.
        data: the set's name.
    """
    names: dict[OutputChoice, list[str]] = {}
    for model in models:
        if model.choice is not None:
            names.setdefault(model.choice, []).append(model.name)
    for choice, whose in names.items():
        classes = f"classes of {data} ({choice.by})"
        told = (
            f"the {classes}; softmax, top-5 and calibration are over them alone"
            if choice.kind == "subset"
            else f"{len(choice.indices)} are {classes}, any other answer is an error"
        )
        yield f"outputs: {choice} ({', '.join(whose)}): {told}"


def quality_notes(
    images: DataSource, predictions: Predictions, *, generator: Generator, limit: int | None
) -> list[str]:
    """Return what else a reader must know: how the set was found, a subset, outputs that were not finite."""
    notes = list(images.notes)
    if limit is not None and limit < images.full_size:
        part = f"{len(images.ids):,} of {images.full_size:,} images"
        notes.append(f"a stratified subset of {part}, chosen by seed {generator.seed}")
    quality = Generator().quality(images.protocol)
    if images.made is not None:
        part = "" if images.made.limit is None else f" and --limit {images.made.limit}"
        notes.append(f"read from a folder that {images.made.by} generated with seed {images.made.seed}{part}")
    if images.source == "generated" and quality is not None:
        step = f"the JPEG step (quality {quality}, 4:2:0) of the published files"
        how = f", encoded by {LIBRARY_NAMES[generator.jpeg_codec]} and decoded by {LIBRARY_NAMES['turbo']}"
        stronger = "noise is stronger than in the published files"
        notes.append(
            f"generated with {step}{how}" if generator.jpeg else f"generated without {step}: {stronger}"
        )
    if images.source == "generated" and generator.name == "imagecorruptions":
        notes.append(
            "imagecorruptions has ImageNet's constants only, and its elastic transform is another one"
        )
        if JPEG_COMPRESSION.name in {corruption for corruption, _ in predictions.cells}:
            notes.append("jpeg_compression of imagecorruptions is that of the library that Pillow has here")
    return [*notes, *not_finite(predictions)]


def not_finite(predictions: Predictions) -> list[str]:
    """Return a line for each model some of whose outputs were not finite, with the cell that has most of them."""
    lines = []
    for name, classes in zip(predictions.models, predictions.answers.predictions, strict=True):
        shares = 100.0 * (classes < 0).mean(axis=1)
        if shares.any():
            worst = int(shares.argmax())
            cell = title(CellId(*predictions.cells[worst]))
            lines.append(
                f"{name} gave outputs that are not finite for {_percent(shares.mean())} of the images, which count as "
                f"errors; most of them on {cell} ({_percent(shares[worst])})"
            )
    return lines


def _percent(share: float) -> str:
    """Return a share of images, per cent; one that is not 0 does not look like it."""
    return f"{share:.0f} %" if share >= 10 else f"{share:.2g} %"
