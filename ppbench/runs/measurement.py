"""The work of a run: its set-ups are looked at, its cells answered."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from ppbench.evaluation.batch_size import BatchSize, first_batch_size
from ppbench.evaluation.cells import title
from ppbench.evaluation.keys import Keys
from ppbench.evaluation.runner import Runner
from ppbench.evaluation.store import CELLS, CellStore
from ppbench.evaluation.store import default_folder as default_store_folder
from ppbench.runs.config import EvaluationConfig
from ppbench.runs.engines import Place, Task, place
from ppbench.runs.listeners import Listeners
from ppbench.runs.manifest import CellCounts, DeviceFacts, ModelFacts
from ppbench.runs.notes import caveats, input_contracts, not_finite, output_choices
from ppbench.runs.plan import Plan
from ppbench.runs.predictions import Predictions, collected
from ppbench.runs.setups import Setups
from ppbench.runs.standing import Tally
from ppbench.setup.checking import Checker
from ppbench.setup.kept import KeptChecks


@dataclass(frozen=True, eq=False)
class Measurement:
    """What came of a plan.

    Attributes:
        predictions: every answer.
        models: what run.json says of the networks, with what was found of their set-ups.
        notes: what every table must say of the networks.
        started: when.
        seconds: how long it took.
        device: what the networks ran on.
        batch_size: images per forward pass, the last one.
        cells: how many were answered here, and how many before.
    """

    predictions: Predictions
    models: tuple[ModelFacts, ...]
    notes: Sequence[str]
    started: datetime
    seconds: float
    device: DeviceFacts
    batch_size: int
    cells: CellCounts


def measure(plan: Plan, config: EvaluationConfig, listeners: Listeners) -> Measurement:
    """Do the work.

    Raises:
        InputError: there is no such device, engine or cluster, or a listener refuses the set-ups.
    """
    device = None if config.device is None else str(config.device)
    with place(config.engine, config.ray_address, device) as where:
        return _measured(plan, config, listeners, where)


def _measured(plan: Plan, config: EvaluationConfig, listeners: Listeners, where: Place) -> Measurement:
    started, clock = datetime.now(UTC), time.perf_counter()
    images, cache = plan.images, config.path("cache")
    batch = BatchSize(config.batch_size or first_batch_size(where.device, images.image_size))
    store = _store(cache) if config.store else None
    keys = Keys(
        plan.models,
        plan.unchanged,
        images,
        plan.generator,
        where.device,
        plan.precision,
        compiled=config.compiled,
    )
    checker = Checker(
        images,
        plan.cells[0],
        where.here,
        plan.precision,
        batch.first,
        cells=len(plan.cells),
        unchanged=plan.unchanged,
    )
    kept = None if store is None else KeptChecks(store)
    setups = Setups(plan.models, checker, kept, keys, fresh=config.fresh)
    listeners.check_setups(setups.checks)
    models, keys = setups.models, keys.of(setups.models, plan.unchanged & setups.repeatable)
    for model in models:
        if config.store and model.name in setups.repeatable and not keys.knows(model.name):
            listeners.note(
                f"{model.name}: results will not be cached: nothing tells whether its Python code has changed"
            )
    task = Task(
        images=images,
        models=models,
        unchanged=plan.unchanged,
        names=plan.corruptions,
        generator=plan.generator,
        batch=batch,
        precision=plan.precision,
        compiled=config.compiled,
        cache=cache,
    )
    total = len(plan.cells) * len(images.ids)
    runner = Runner(
        where.engine(task),
        plan.names,
        store,
        keys,
        fresh=config.fresh,
        on_warning=listeners.warning,
        on_batch=lambda cell, count: listeners.batch(title(cell), count, total),
        on_answers=Tally(plan.names, len(plan.cells), images.labels, plan.divisor, listeners.standing).add,
    )
    outputs = tuple(output_choices(models, images.name))
    # After what can be refused before the work: that is one line.
    for line in (*input_contracts(models), *outputs):
        listeners.note(line)
    # The clean cell first, by itself: a wrong set-up shows there, before hours of corruptions.
    answers = runner.run(plan.cells[:1], len(images.ids))
    setups.finish(answers)
    for line in setups.warnings:
        listeners.warning(line)
    if setups.all_well is not None:
        listeners.note(setups.all_well)
    answers |= runner.run(plan.cells[1:], len(images.ids))
    predictions = collected(answers, plan.names, plan.cells, images.ids, images.labels)
    for line in not_finite(predictions):
        listeners.warning(line)
    return Measurement(
        predictions=predictions,
        models=setups.described(plan.model_facts),
        notes=(*outputs, *caveats(models), *setups.notes),
        started=started,
        seconds=round(time.perf_counter() - clock, 3),
        device=where.facts(),
        batch_size=batch.images,
        cells=_counts(runner, len(answers)),
    )


def _counts(runner: Runner, answers: int) -> CellCounts:
    moments = [datetime.fromtimestamp(each, UTC).isoformat(timespec="seconds") for each in runner.taken_from]
    return CellCounts(
        from_store=runner.taken,
        evaluated=answers - runner.taken,
        first_measured=min(moments, default=None),
        last_measured=max(moments, default=None),
    )


def _store(cache: Path | None) -> CellStore:
    store = CellStore(default_store_folder() if cache is None else cache / CELLS)
    store.prepare()
    return store
