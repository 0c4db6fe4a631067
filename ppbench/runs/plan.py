"""What a run will measure: settled before the work, so that every mistake is found before it, too."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from corruptions.engine import sides_needed
from ppbench.data.own_name import own_name
from ppbench.data.own_size import refuse_too_small
from ppbench.data.registry import meant
from ppbench.data.sets import open_data
from ppbench.data.source import DataSource
from ppbench.errors import InputError, unknown
from ppbench.evaluation.batch_size import BatchSize
from ppbench.evaluation.cells import CellId, parse_severities, plan
from ppbench.evaluation.generator import Generator
from ppbench.evaluation.precision import Precision, check_precision
from ppbench.models.loaded_model import LoadedModel
from ppbench.models.module import Contract
from ppbench.reporting.reference_rows import references_for
from ppbench.runs.config import EvaluationConfig
from ppbench.runs.corruption_choice import chosen_corruptions, left_out, notes_of_choice
from ppbench.runs.description import describe_data, describe_model
from ppbench.runs.file_facts import all_published, file_facts
from ppbench.runs.loading import Models, load_models
from ppbench.runs.manifest import DataFacts, ModelFacts
from ppbench.runs.normalising import Divisor, settle_divisor
from ppbench.runs.output_wish import read_wish
from ppbench.scoring.references import Reference


@dataclass(frozen=True, eq=False)
class Plan:
    """A run that has not begun.

    Attributes:
        images: of the run.
        corruptions: those asked for.
        cells: what will be answered, the clean images first where there are some.
        generator: what makes the corrupted images of a generated source.
        models: the networks, as they were loaded.
        unchanged: the names of those that nobody but the run has.
        divisor: what errors will be divided by.
        precision: that the networks will answer in.
        data: what run.json will say of the images and cells.
        model_facts: what it will say of the networks, before they were looked at.
        references: published results that the tables will show.
    """

    images: DataSource
    corruptions: Sequence[str]
    cells: Sequence[CellId]
    generator: Generator
    models: Sequence[LoadedModel]
    unchanged: frozenset[str]
    divisor: Divisor
    precision: Precision
    data: DataFacts
    model_facts: Sequence[ModelFacts]
    references: tuple[Reference, ...]

    @property
    def names(self) -> list[str]:
        """The models' names, as the tables will have them."""
        return [model.name for model in self.models]


def settle(
    models: Models, config: EvaluationConfig, note: Callable[[str], None], spec: Contract | None = None
) -> Plan:
    """Return what a run will measure.

    Args:
        models: what is to be evaluated, see `ppbench.evaluate`.
        config: how.
        note: called with one line about what was passed over among the images, or inferred from a checkpoint.
        spec: the input contract of the modules among the models.

    Raises:
        InputError: bad input.
    """
    root = config.path("root")
    wanted = chosen_corruptions(config)
    severities = parse_severities(config.severities)
    generator = Generator(config.generator, config.seed, config.jpeg, config.jpeg_codec or "ijg9")
    wish = read_wish(config.outputs)
    precision = check_precision(config.precision)
    if config.batch_size is not None:
        BatchSize(config.batch_size)
    images = open_data(
        meant(config.data, root),
        root=root,
        source=config.source,
        corruptions=wanted,
        severities=severities,
        limit=config.limit,
        seed=config.seed,
        classes=config.classes,
        size=config.size,
        protocol=config.protocol,
    )
    images = replace(images, notes=(*images.notes, *notes_of_choice(config, wanted)))
    for line in (*images.notes, *filter(None, [left_out(config, wanted)])):
        note(line)
    generator.check(wanted)
    if images.source == "generated" and images.sizes is not None:
        refuse_too_small(sides_needed(map(own_name, wanted), severities, images.protocol), images.sizes)
    if config.jpeg_codec is not None and images.source == "published":
        raise InputError(
            f"expected no --jpeg-codec for published files, got {config.jpeg_codec}: what JPEG did to them is in the "
            "files; leave it out, or use --source generated"
        )
    references = () if config.reference is None else references_for(config.reference, images.name)
    found = load_models(models, images, config.loading, note, spec, wish)
    names = [model.name for model in found.models]
    if config.baseline_model is not None and config.baseline_model not in names:
        raise unknown("baseline model", config.baseline_model, names)
    files = file_facts(images, wanted, config)
    if files is not None and all_published(files):
        images = replace(images, made=None)  # whoever made them, they are the published images
    divisor = settle_divisor(os.fspath(config.normaliser), found.models, images)
    cells = plan(wanted, severities, clean=images.clean is not None)
    return Plan(
        images=images,
        corruptions=wanted,
        cells=cells,
        generator=generator,
        models=found.models,
        unchanged=found.unchanged,
        divisor=divisor,
        precision=precision,
        data=describe_data(
            images,
            [(cell.corruption, cell.severity) for cell in cells],
            generator=generator,
            limit=config.limit,
            root=root,
            files=files,
        ),
        model_facts=[describe_model(each, unchanged=each.name in found.unchanged) for each in found.models],
        references=references,
    )
