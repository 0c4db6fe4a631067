"""The set-up check by itself: models on clean images only, before anybody evaluates them."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ppbench.data.class_names import class_names
from ppbench.data.image_set import Labels, Pixels
from ppbench.data.registry import meant
from ppbench.data.sets import open_data
from ppbench.data.source import DataSource
from ppbench.data.subset import stratified_rows
from ppbench.errors import InputError
from ppbench.evaluation.batch_size import BatchSize, first_batch_size
from ppbench.evaluation.cells import CLEAN
from ppbench.evaluation.network import Network
from ppbench.evaluation.precision import check_precision
from ppbench.evaluation.reduction import Reduced, fetch
from ppbench.models.loaded_model import LoadedModel
from ppbench.models.requests import Loading
from ppbench.runs.engines import place
from ppbench.runs.loading import Model, load_models
from ppbench.runs.notes import output_choices
from ppbench.runs.output_wish import Outputs, read_wish
from ppbench.setup.checking import TOGETHER, Checker, Predictions
from ppbench.setup.finding import SetupCheck

IMAGES = 1000
"""Clean images that are looked at where nobody says how many."""

_SECONDS = 60.0  # a large network answers as many images as it can in about so long
_FEWEST = 64  # but no fewer
_SEARCH_CELLS = 1000  # nothing else is to be done: the search for a better set-up may take its time


@dataclass(frozen=True, eq=False)
class Looked:
    """A model that was checked.

    Attributes:
        check: what was found.
        seen: some images as the network sees them, after resizing and cropping, (k, h, w, 3) uint8.
        labels: theirs, (k,).
        predictions: its answers to them, (k,).
    """

    check: SetupCheck
    seen: Pixels
    labels: Labels
    predictions: Predictions


@dataclass(frozen=True, eq=False)
class SetupReport:
    """What was found of some models on some images.

    Attributes:
        data: the set's name.
        classes: names of the classes, label 0 first.
        models: in the order in which they were asked for.
    """

    data: str
    classes: Sequence[str]
    models: tuple[Looked, ...]


def check_setups(
    models: Model | Sequence[Model],
    *,
    data: str | None = None,
    root: Path | None = None,
    classes: str | Path | Sequence[str] | None = None,
    outputs: Outputs | None = None,
    limit: int | None = None,
    seed: int = 0,
    batch_size: int | None = None,
    device: str | None = None,
    precision: str = "fp32",
    loading: Loading | None = None,
    shown: int = 5,
    on_note: Callable[[str], None] = lambda _line: None,
) -> SetupReport:
    """Check the set-ups of models on the clean images of a data set.

    Args:
        models: as `evaluate` takes them.
        data: a data set's name; None is the embedded ``digits-c``, and with a `root` refused.
        root: where its clean images are; None looks in the usual places.
        classes: the order of class folders, as in `ppbench.data.sets.open_data`.
        outputs: which outputs of a network with more of them are the classes, as `evaluate` takes it.
        limit: clean images to answer; None takes `IMAGES`, or all where there are fewer, and of them as many as the
            network can answer in about a minute.
        seed: of the subset.
        batch_size: images per forward pass; None takes what suits the device. Halved where the memory is too small.
        device: a torch device; None or ``"auto"`` takes the best one here.
        precision: of the networks' arithmetic.
        loading: how checkpoints are read and what their input is.
        shown: images to show of each model.
        on_note: called with one line about what was passed over among the images, or inferred from a checkpoint.

    Raises:
        InputError: bad input, or a data set without clean images.
    """
    check_precision(precision)
    wish = read_wish(outputs)
    batch = None if batch_size is None else BatchSize(batch_size)
    images = open_data(meant(data, root), root=root, source="auto", limit=None, seed=seed, classes=classes)
    for note in images.notes:
        on_note(note)
    if images.clean is None:
        raise InputError(
            f"{images.name}: only published corruptions are here, and a set-up is checked on clean images: name them "
            "with --root"
        )
    if limit is not None and not 1 <= limit <= len(images.ids):
        raise InputError(
            f"expected a limit from 1 to the {len(images.ids):,} images of the set, got {limit:,}"
        )
    found = load_models(models, images, loading or Loading(), on_note, wish=wish)
    for note in output_choices(found.models, images.name):
        on_note(note)
    with place("local", None, device) as where:
        batch = batch or BatchSize(first_batch_size(where.device, images.image_size))
        checker = Checker(
            _part(images, limit or IMAGES, seed),
            CLEAN,
            where.here,
            precision,
            batch.first,
            cells=_SEARCH_CELLS,
            unchanged=found.unchanged,
        )
        looked = tuple(
            _looked(model, checker, batch, shown, exact=limit is not None) for model in found.models
        )
    return SetupReport(images.name, class_names(images.name, images.num_classes, images.classes), looked)


def _looked(model: LoadedModel, checker: Checker, batch: BatchSize, shown: int, *, exact: bool) -> Looked:
    check = checker.probe(model)
    model = replace(model, outputs=check.outputs)
    network = Network(model, checker.precision)
    if (
        not exact
    ):  # a large network on a CPU is judged by fewer images, evenly shared out over the classes, too
        each = batch.fitting(partial(_seconds, network, checker), checker.device)
        count = max(_FEWEST, int(_SECONDS / max(each, 1e-9)))
        checker = replace(checker, source=_part(checker.source, count, 0))
    predictions = _predictions(network, checker, batch)
    check = checker.finish(check, model, predictions)
    rows = checker.rows(shown)
    return Looked(check, _seen(model, checker.batch(shown)), checker.source.labels[rows], predictions[rows])


def _part(images: DataSource, count: int, seed: int) -> DataSource:
    """Return the source with so many of its images, each class in proportion."""
    if count >= len(images.ids) or images.clean is None:
        return images
    rows = stratified_rows(images.labels, count, seed)
    return replace(images, labels=images.labels[rows], ids=images.ids[rows], clean=images.clean.take(rows))


def _seconds(network: Network, checker: Checker, size: int) -> float:
    """Return the seconds that the network needs for an image, in a batch of at most so many."""
    images = checker.batch(min(TOGETHER, size))
    began = time.perf_counter()
    network.logits(images)
    return (time.perf_counter() - began) / len(images)


def _predictions(network: Network, checker: Checker, batch: BatchSize) -> Predictions:
    source = checker.source
    assert source.clean is not None  # it was asked for
    labels = torch.from_numpy(source.labels).to(checker.device)
    parts: list[Reduced] = []
    for start in range(0, len(labels), batch.first):
        lot = slice(start, start + batch.first)
        pixels = np.ascontiguousarray(source.clean.images[lot])
        parts += batch.fitting(partial(_answers, network, pixels, labels[lot]), checker.device)
    return fetch(parts).predictions


def _answers(network: Network, pixels: Pixels, labels: Tensor, size: int) -> list[Reduced]:
    """Return the answers to images (n, H, W, 3) with labels (n,), in batches of at most so many."""
    images = torch.from_numpy(pixels).permute(0, 3, 1, 2).to(labels.device)
    return list(map(network, torch.split(images, size), torch.split(labels, size)))


def _seen(model: LoadedModel, images: Tensor) -> Pixels:
    """Return images as they are when they reach the normalisation, (n, h, w, 3) uint8."""
    plain = replace(model, spec=replace(model.spec, value_range=(0.0, 1.0), normalised_inside=True))
    seen = plain.prepare(images).mul(255).round().clamp(0, 255).to(torch.uint8)
    return seen.permute(0, 2, 3, 1).cpu().numpy()
