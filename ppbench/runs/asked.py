"""What is wrong with what a run is asked for, as far as it can be told without torch: a mistake is said at once."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from ppbench.data.registry import meant
from ppbench.data.sets import find_data
from ppbench.device import check_device_name
from ppbench.errors import unknown
from ppbench.evaluation.batch_size import BatchSize
from ppbench.evaluation.cells import parse_severities
from ppbench.evaluation.generator import Generator
from ppbench.evaluation.precision import check_precision
from ppbench.models.naming import meaning, require_file
from ppbench.models.registry import architecture
from ppbench.models.requests import ModelRequest
from ppbench.reporting.reference_rows import references_for
from ppbench.runs.config import ENGINES, EvaluationConfig
from ppbench.runs.corruption_choice import chosen_corruptions
from ppbench.runs.output_wish import read_wish
from ppbench.scoring.normaliser import MEASURED, load_normaliser

if TYPE_CHECKING:
    from ppbench.models.requests import Loading


def check_asked(requests: Iterable[ModelRequest], config: EvaluationConfig) -> None:
    """Refuse what cannot be run, whatever torch, the images and the weights say later.

    Raises:
        InputError: a name, a number or a file is wrong.
    """
    wanted = chosen_corruptions(config)
    parse_severities(config.severities)
    Generator(config.generator, config.seed, config.jpeg).check(wanted)
    read_wish(config.outputs)
    check_precision(config.precision)
    if isinstance(config.device, str):
        check_device_name(config.device)
    if config.engine not in ENGINES:
        raise unknown("engine", config.engine, ENGINES)
    if config.batch_size is not None:
        BatchSize(config.batch_size)
    root = config.path("root")
    data = find_data(
        meant(config.data, root),
        root=root,
        source=config.source,
        classes=config.classes,
        size=config.size,
        protocol=config.protocol,
    )
    if config.reference is not None:
        references_for(config.reference, data.name)
    normaliser = str(config.normaliser)
    if normaliser not in ("auto", "none") and normaliser.partition(":")[0] != MEASURED:
        load_normaliser(normaliser)
    check_models(requests, config.loading, data.name)


def check_models(requests: Iterable[ModelRequest], loading: "Loading", data: str | None) -> None:
    """Refuse models that nobody knows, and files that are not there.

    Raises:
        InputError: there is no such model or file.
    """
    if loading.turn_into is not None:
        architecture(loading.turn_into)
    for request in requests:
        if request.model is not None:
            meaning(request.model, request.checkpoint, data)
        if request.checkpoint is not None:
            require_file(request.checkpoint)
