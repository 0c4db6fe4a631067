"""All the cells of a run: taken from the store where they are there, evaluated where not."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Protocol

from ppbench.evaluation.answers import Answers
from ppbench.evaluation.cells import CellId
from ppbench.evaluation.store import CellStore, DamagedEntryError
from ppbench.evaluation.work import Done, OnImages, Work

Slot = tuple[str, CellId]
"""One model on one cell: what a run has to fill, and what a key of the store stands for."""


class Engine(Protocol):
    """Does work, here or elsewhere."""

    def evaluate(self, work: Iterable[Work], on_images: OnImages) -> Iterator[Done]:
        """Yield every piece of work with its networks' answers, in any order; more work is drawn as it gets on."""
        ...


@dataclass
class Runner:
    """Fills the slots of a run.

    Attributes:
        engine: makes what is not in the store.
        models: the names of the networks of the run.
        store: where finished cells are kept; None keeps none.
        keys: gives the store's key of a slot; a slot without one is never stored.
        taken: how many slots came from the store so far.
        taken_from: when those were made, in seconds since 1970.
        fresh: make everything again, whatever the store has, and keep that.
        on_batch: called with the cell and the number of images done, counted once a cell for all models.
        on_answers: called with every slot and its answers, as soon as they are there.
        on_warning: called with one line about a damaged entry.
    """

    engine: Engine
    models: Sequence[str]
    store: CellStore | None = None
    keys: Callable[[Slot], str | None] = lambda _slot: None
    fresh: bool = False
    taken: int = 0
    taken_from: list[float] = field(default_factory=list)
    on_batch: Callable[[CellId, int], None] = lambda _cell, _images: None
    on_answers: Callable[[str, CellId, Answers], None] = lambda _model, _cell, _answers: None
    on_warning: Callable[[str], None] = lambda _line: None

    def run(self, cells: Sequence[CellId], images: int) -> dict[Slot, Answers]:
        """Return the answers of every model on every cell, each of `images` images."""
        answers: dict[Slot, Answers] = {}
        elsewhere: list[Slot] = []
        with ExitStack() as all_claims:
            held: dict[CellId, ExitStack] = {}

            def work() -> Iterator[Work]:
                for cell in cells:
                    missing = self._take(cell, self.models, answers)
                    locks = all_claims.enter_context(ExitStack())
                    mine = [model for model in missing if self._claim(locks, (model, cell), wait=False)]
                    elsewhere.extend((model, cell) for model in missing if model not in mine)
                    # Looked up again under the claim: another process may have finished the cell in between.
                    mine = self._take(cell, mine, answers)
                    if mine:
                        held[cell] = locks
                        yield Work(cell, tuple(mine), slice(0, images))
                    else:
                        locks.close()
                        self.on_batch(cell, images)

            for job, made in self.engine.evaluate(work(), self.on_batch):
                self._keep(job.cell, made, answers)
                held.pop(job.cell).close()
        # What another process was working on is there by now, or that process has died and it is ours to make. One
        # claim at a time: nobody waits while holding, so nobody waits for ever.
        for model, cell in elsewhere:
            with ExitStack() as locks:
                self._claim(locks, (model, cell), wait=True)
                if self._take(cell, [model], answers):
                    job = Work(cell, (model,), slice(0, images))
                    for _, made in self.engine.evaluate([job], lambda _cell, _images: None):
                        self._keep(cell, made, answers)
        return answers

    def _take(self, cell: CellId, models: Sequence[str], answers: dict[Slot, Answers]) -> list[str]:
        """Put what the store has of a cell into `answers`, and return the models that still lack it."""
        missing = []
        for model in models:
            found = self._stored((model, cell))
            if found is None:
                missing.append(model)
            else:
                answers[model, cell] = found
                self.on_answers(model, cell, found)
                self.taken += 1
        return missing

    def _stored(self, slot: Slot) -> Answers | None:
        key = self.keys(slot)
        if self.store is None or self.fresh or key is None:
            return None
        try:
            found = self.store.get(key)
        except DamagedEntryError as error:
            self.store.discard(key)
            self.on_warning(f"{error}: it is made again")
            return None
        if found is not None and (when := self.store.written(key)) is not None:
            self.taken_from.append(when)
        return found

    def _claim(self, locks: ExitStack, slot: Slot, *, wait: bool) -> bool:
        key = self.keys(slot)
        if self.store is None or key is None:
            return True
        return locks.enter_context(self.store.locked(key, wait=wait))

    def _keep(self, cell: CellId, made: Mapping[str, Answers], answers: dict[Slot, Answers]) -> None:
        for model, found in made.items():
            key = self.keys((model, cell))
            if self.store is not None and key is not None:
                self.store.put(key, found)
            answers[model, cell] = found
            self.on_answers(model, cell, found)
