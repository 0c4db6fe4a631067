"""The set-up checks of a run: before its first cell and after it, or as they were kept with cells of an earlier run."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from ppbench.evaluation.answers import Answers
from ppbench.evaluation.cells import CLEAN
from ppbench.evaluation.keys import Keys
from ppbench.evaluation.runner import Slot
from ppbench.models.loaded_model import LoadedModel
from ppbench.runs.agreement import in_words
from ppbench.runs.manifest import ModelFacts, SetupFacts
from ppbench.setup.alternatives import ENOUGH, MUCH_WORK
from ppbench.setup.checking import Checker
from ppbench.setup.finding import BATCH, CLEAN_ERROR, Finding, SetupCheck
from ppbench.setup.kept import KeptChecks
from ppbench.setup.outputs import OUTPUTS

_WITHOUT_CLEAN = Finding(
    CLEAN_ERROR,
    "skipped",
    "there are no clean images, so nothing is known of normalisation, size and order of the classes",
)


class Setups:
    """The set-ups of a run's models.

    Attributes:
        models: the models, each with what it returns decided.
        checks: what was found of each, in their order.
    """

    def __init__(
        self,
        models: Sequence[LoadedModel],
        checker: Checker,
        kept: KeptChecks | None,
        keys: Keys,
        *,
        fresh: bool = False,
    ) -> None:
        """Look at the models, or take what was found of them before.

        Args:
            models: as they were loaded.
            checker: of the run.
            kept: checks of earlier runs; None where nothing is kept.
            keys: of the models as they were loaded.
            fresh: check again, whatever was kept.
        """
        self._checker = checker
        self._kept = kept
        self._keys = {model.name: keys((model.name, checker.cell)) for model in models} if kept else {}
        found = {} if fresh else {model.name: self._found(model.name) for model in models}
        self._known = {name for name, check in found.items() if check is not None}
        self.checks = tuple(found.get(model.name) or checker.probe(model) for model in models)
        self.models = [
            replace(model, outputs=check.outputs) for model, check in zip(models, self.checks, strict=True)
        ]

    @property
    def repeatable(self) -> frozenset[str]:
        """The names of the models whose answers depend on nothing but the image."""
        return frozenset(check.model for check in self.checks if check.depends_on is None)

    def finish(self, answers: Mapping[Slot, Answers]) -> None:
        """Add what the answers to the first cell say, where that is the clean one, and keep the checks.

        Args:
            answers: to the first cell.
        """
        self.checks = tuple(
            self._finished(model, check, answers)
            for model, check in zip(self.models, self.checks, strict=True)
        )

    @property
    def warnings(self) -> list[str]:
        """One line for everything that is not ok."""
        return [line for check in self.checks for line in check.warnings]

    @property
    def notes(self) -> tuple[str, ...]:
        """What has to stand below every table: numbers that cannot be compared, guessed inputs, wrong set-ups."""
        incomparable = tuple(
            f"{check.model}: its answers depend on {in_words(check.depends_on)}: its numbers cannot be compared"
            for check in self.checks
            if check.depends_on is not None
        )
        guessed = tuple(
            f"{model.name}: its mean and std were guessed, as nothing says them: give --mean and --std"
            for model in self.models
            if model.spec_guessed
        )
        # What a table says of answers anyway, see `quality_notes`, is not said twice.
        return (
            incomparable
            + guessed
            + tuple(
                f"{check.model}: its set-up looks wrong: {finding.text}"
                for check in self.checks
                for finding in check.findings
                if finding.state == "wrong" and finding.check not in (BATCH, OUTPUTS)
            )
        )

    @property
    def all_well(self) -> str | None:
        """What to say where there is nothing to warn of, and what that does not cover; None where there is."""
        if self.warnings:
            return None
        names = ", ".join(check.model for check in self.checks)
        limits = []
        if left := dict.fromkeys(line for check in self.checks for line in check.not_looked_at):
            limits.append(f"not looked at: {', '.join(left)}")
        if guessed := [model.name for model in self.models if model.spec_guessed]:
            limits.append(f"the input of {', '.join(guessed)} was guessed, as nothing says what it is")
        if (images := self._checker.images) < ENOUGH:
            limits.append(f"{images} images are few, a wrong mean or BGR may not show")
        return f"set-up check: nothing looks wrong ({names})" + (
            f"; but {'; '.join(limits)}" if limits else ""
        )

    def described(self, about: Sequence[ModelFacts]) -> tuple[ModelFacts, ...]:
        """Return what run.json says of the models, with what was found of each.

        Args:
            about: what it says without.
        """
        return tuple(
            replace(each, setup=SetupFacts.of(check)) for each, check in zip(about, self.checks, strict=True)
        )

    def _found(self, name: str) -> SetupCheck | None:
        key = self._keys.get(name)
        return None if self._kept is None or key is None else self._kept.get(key, name)

    def _finished(self, model: LoadedModel, check: SetupCheck, answers: Mapping[Slot, Answers]) -> SetupCheck:
        clean = self._checker.cell == CLEAN
        if model.name in self._known:
            return (
                self._checker.renewed(check, model, answers[model.name, CLEAN].predictions)
                if clean
                else check
            )
        check = (
            self._checker.finish(check, model, answers[model.name, CLEAN].predictions)
            if clean
            else replace(check, findings=(*check.findings, _WITHOUT_CLEAN))
        )
        key = self._keys.get(model.name)
        # What was left out for lack of time may be found by the next run.
        whole = check.complete and MUCH_WORK not in check.findings
        if self._kept is not None and key is not None and whole and check.depends_on is None:
            self._kept.put(key, check)
        return check
