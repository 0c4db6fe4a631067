"""Images of the worst cells, made or read again from the data that a run names."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from corruptions import Library, code_version
from ppbench.data.class_names import answer_name, class_names
from ppbench.data.class_order import ANY
from ppbench.data.own_name import own_name
from ppbench.data.sets import open_data
from ppbench.data.source import DataSource
from ppbench.errors import InputError
from ppbench.evaluation.generator import Generator
from ppbench.reporting.report_content import Example, ExampleCell, ExampleStrip, Pixels
from ppbench.runs.manifest import DataFacts
from ppbench.runs.merging import Merged
from ppbench.scoring.names import CORRUPTIONS
from ppbench.scoring.outcomes import CLEAN_CELL

CELLS = 4
IMAGES = 6

_FEW_FILES = 2000
"""So many image files are read in a second or two."""

CellKey = tuple[str, int]


def example_images(merged: Merged) -> ExampleStrip:
    """Return images of the worst cells, or why they cannot be had: reports are read on other machines, too."""
    cells = worst_cells(merged)
    if not cells:
        return ExampleStrip((), "No example images: no corruption was measured with every model.")
    data = merged.members[0].run.manifest.data
    try:
        source = _opened(merged, data, [corruption for corruption, _ in cells])
        made = [_cell(merged, source, data, cell, error) for cell, error in cells.items()]
    except (InputError, OSError) as error:
        return ExampleStrip((), f"No example images: {error}.")
    note = (
        "The worst cell of each of the corruptions with the largest errors, averaged over the models. Shown are images "
        "that most models get wrong there though most get them right uncorrupted, the most confident mistakes first."
    )
    if not _is_quick_to_read(source):
        note += " That these are the files of the run was told by their number and labels alone."
    return ExampleStrip(tuple(made), note)


def worst_cells(merged: Merged) -> dict[CellKey, float]:
    """Return the worst cell of each of the worst corruptions -> mean error over the models, per cent; worst first.

    Only cells that every model has count; the extra corruptions only where none of the 15 was measured.
    """
    rows = [member.outcomes.row for member in merged.members]
    shared = [cell for cell in rows[0] if cell != CLEAN_CELL and all(cell in row for row in rows)]
    shared = [cell for cell in shared if cell[0] in CORRUPTIONS] or shared
    errors = {
        cell: 100.0
        * float(np.mean([each.outcomes.wrong[each.outcomes.row[cell]].mean() for each in merged.members]))
        for cell in shared
    }
    worst: dict[CellKey, float] = {}
    for cell in sorted(errors, key=lambda each: (-errors[each], each)):
        if cell[0] not in {corruption for corruption, _ in worst}:
            worst[cell] = errors[cell]
    return dict(list(worst.items())[:CELLS])


def chosen_images(merged: Merged, cell: CellKey) -> npt.NDArray[np.int64]:
    """Return the columns of the images to show: wrong there by most models, right on clean images, surest first."""
    wrong = sum(each.outcomes.wrong[each.outcomes.row[cell]].astype(np.int64) for each in merged.members)
    right = sum(
        (~each.outcomes.wrong[each.outcomes.row[CLEAN_CELL]]).astype(np.int64)
        for each in merged.members
        if CLEAN_CELL in each.outcomes.row
    )
    sure = np.sum([np.where(missed, sure, 0.0) for _, sure, missed in _answers(merged, cell)], axis=0)
    order = np.lexsort((merged.ids, -sure, -(np.zeros_like(merged.ids) + right), -np.asarray(wrong)))
    found: npt.NDArray[np.int64] = order[:IMAGES]
    return found[np.asarray(wrong)[found] > 0]


def _answers(
    merged: Merged, cell: CellKey
) -> list[tuple[npt.NDArray[np.int32], npt.NDArray[np.float32], npt.NDArray[np.bool_]]]:
    """Return each model's predictions, confidences and mistakes on a cell, images in the common order."""
    found = []
    for member in merged.members:
        kept = member.run.predictions
        place = {int(image): column for column, image in enumerate(kept.ids)}
        columns = np.array([place[int(image)] for image in merged.ids])
        row = kept.cells.index(cell)
        predictions = kept.answers.predictions[member.index, row][columns]
        found.append(
            (predictions, kept.answers.confidences[member.index, row][columns], predictions != merged.labels)
        )
    return found


def _opened(merged: Merged, data: DataFacts, names: Sequence[str]) -> DataSource:
    """Open the data of the run again, and prove that they are the same images."""
    source = open_data(
        data.name,
        root=None if data.root is None else Path(data.root),
        source=data.source,
        corruptions=names,
        severities=data.severities,
        limit=data.limit,
        seed=data.seed,
        # Runs of older versions do not say it; theirs were sorted as text.
        classes=(data.classes and data.classes.folders) or ANY,
        size=data.size,
        protocol=None if data.size is None else data.protocol,
    )
    if not (np.array_equal(source.ids, merged.ids) and np.array_equal(source.labels, merged.labels)):
        raise InputError(f"the images found for {data.name} are not those of the run")
    if _is_quick_to_read(source) and source.digest != data.digest:
        raise InputError(f"the images found for {data.name} have another digest than those of the run")
    now = source.corruption_digests(names) or {
        name: code_version(own_name(name), _codec(data)) for name in names
    }
    then = data.corruption_digests or data.corruption_versions or {}
    for name in names:
        if then.get(name, now[name]) != now[name]:
            what = "files" if source.source == "published" else "code"
            raise InputError(f"the {what} of {name} changed since the run: other images would be shown")
    return source


def _codec(data: DataFacts) -> Library:
    """Return whose JPEG a run had: runs of older versions do not say it, theirs was libjpeg-turbo's."""
    return data.jpeg_codec or "turbo"


def _is_quick_to_read(source: DataSource) -> bool:
    """Whether all clean images can be read for their digest: the files of ImageNet would take minutes."""
    clean = source.clean
    return clean is None or isinstance(clean.images, np.ndarray) or len(clean) <= _FEW_FILES


def _cell(merged: Merged, source: DataSource, data: DataFacts, cell: CellKey, error: float) -> ExampleCell:
    columns = chosen_images(merged, cell)
    clean = None if source.clean is None else np.asarray(source.clean.images[columns])
    corrupted = _corrupted(source, data, cell, columns, clean)
    names = class_names(source.name, source.num_classes, source.classes)
    answers = _answers(merged, cell)
    examples = []
    for place, column in enumerate(columns.tolist()):
        told = {
            member.name: (
                None if predicted[column] < 0 else answer_name(names, int(predicted[column])),
                100.0 * float(sure[column]),
            )
            for member, (predicted, sure, _) in zip(merged.members, answers, strict=True)
        }
        examples.append(
            Example(
                int(merged.ids[column]),
                names[merged.labels[column]],
                corrupted[place],
                None if clean is None else clean[place],
                told,
            )
        )
    return ExampleCell(*cell, error, tuple(examples))


def _corrupted(
    source: DataSource,
    data: DataFacts,
    cell: CellKey,
    columns: npt.NDArray[np.int64],
    clean: Pixels | None,
) -> Pixels:
    """Return the corrupted images of some columns, (n, H, W, 3) uint8, as the models saw them."""
    if source.source == "published":
        return np.asarray(source.cell(*cell).images[columns])
    assert clean is not None  # generated sets always have clean images
    package = str(data.generator).split()[0]
    maker = Generator(package, data.seed, data.jpeg_quality is not None, _codec(data))
    with torch.inference_mode():
        made = maker.corrupt(
            torch.from_numpy(np.ascontiguousarray(clean)).permute(0, 3, 1, 2),
            *cell,
            protocol=source.protocol,
            ids=torch.as_tensor(source.ids[columns]),
        )
    return made.permute(0, 2, 3, 1).cpu().numpy()
