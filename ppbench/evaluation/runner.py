"""All the cells of a run: taken from the store where they are there, evaluated where not."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from ppbench.evaluation.answers import Answers
from ppbench.evaluation.cells import CellId
from ppbench.evaluation.loop import Evaluator
from ppbench.evaluation.store import CellStore, DamagedEntryError
from ppbench.models.load import LoadedModel

Slot = tuple[str, CellId]
"""One model on one cell: what a run has to fill, and what a key of the store stands for."""


@dataclass
class Runner:
    """Fills the slots of a run.

    Attributes:
        evaluator: makes what is not in the store.
        models: the networks of the run.
        store: where finished cells are kept; None keeps none.
        keys: gives the store's key of a slot; a slot without one is never stored.
        taken: how many slots came from the store so far.
        fresh: make everything again, whatever the store has, and keep that.
        on_batch: called with the cell and the number of images done, counted once a cell for all models.
        on_warning: called with one line about a damaged entry.
    """

    evaluator: Evaluator
    models: Sequence[LoadedModel]
    store: CellStore | None = None
    keys: Callable[[Slot], str | None] = lambda _slot: None
    fresh: bool = False
    taken: int = 0
    on_batch: Callable[[CellId, int], None] = lambda _cell, _images: None
    on_warning: Callable[[str], None] = lambda _line: None

    def run(self, cells: Sequence[CellId], images: int) -> dict[Slot, Answers]:
        """Return the answers of every model on every cell, each of `images` images."""
        answers: dict[Slot, Answers] = {}
        elsewhere: list[Slot] = []
        for cell in cells:
            missing = self._take(cell, self.models, answers)
            with ExitStack() as claims:
                mine = [model for model in missing if self._claim(claims, (model.name, cell), wait=False)]
                elsewhere.extend((model.name, cell) for model in missing if model not in mine)
                # Looked up again under the claim: another process may have finished the cell in between.
                mine = self._take(cell, mine, answers)
                if mine:
                    answers.update(self._evaluate(cell, mine, self.on_batch))
                else:
                    self.on_batch(cell, images)
        # What another process was working on is there by now, or that process has died and it is ours to make. One
        # claim at a time: nobody waits while holding, so nobody waits for ever.
        for slot in elsewhere:
            with ExitStack() as claims:
                self._claim(claims, slot, wait=True)
                model = next(model for model in self.models if model.name == slot[0])
                if self._take(slot[1], [model], answers):
                    answers.update(self._evaluate(slot[1], [model], lambda _cell, _images: None))
        return answers

    def _take(
        self, cell: CellId, models: Sequence[LoadedModel], answers: dict[Slot, Answers]
    ) -> list[LoadedModel]:
        """Put what the store has of a cell into `answers`, and return the models that still lack it."""
        missing = []
        for model in models:
            found = self._stored((model.name, cell))
            if found is None:
                missing.append(model)
            else:
                answers[model.name, cell] = found
                self.taken += 1
        return missing

    def _stored(self, slot: Slot) -> Answers | None:
        key = self.keys(slot)
        if self.store is None or self.fresh or key is None:
            return None
        try:
            return self.store.get(key)
        except DamagedEntryError as error:
            self.store.discard(key)
            self.on_warning(f"{error}: it is made again")
            return None

    def _claim(self, claims: ExitStack, slot: Slot, *, wait: bool) -> bool:
        key = self.keys(slot)
        if self.store is None or key is None:
            return True
        return claims.enter_context(self.store.claim(key, wait=wait))

    def _evaluate(
        self, cell: CellId, models: Sequence[LoadedModel], on_batch: Callable[[CellId, int], None]
    ) -> dict[Slot, Answers]:
        made = self.evaluator.evaluate(cell, models, lambda images: on_batch(cell, images))
        for name, answers in made.items():
            key = self.keys((name, cell))
            if self.store is not None and key is not None:
                self.store.put(key, answers)
        return {(name, cell): answers for name, answers in made.items()}
