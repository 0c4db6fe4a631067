"""May a model's numbers be compared at all, and was it set up as that of a baseline?"""

from collections.abc import Iterable, Mapping

from ppbench.errors import InputError
from ppbench.runs.manifest import ModelFacts
from ppbench.scoring.baseline_file import Fact, disagreements
from ppbench.setup.finding import SetupCheck

_WORDS: dict[str, str] = {"batch": "the other images of their batch", "chance": "chance"}


def in_words(depends_on: str) -> str:
    """Return what answers depend on beside the image, as a sentence has it.

    Args:
        depends_on: a `DependsOn`, or what a run of a newer version says instead.
    """
    return _WORDS.get(depends_on, depends_on)


def require_repeatable(models: Iterable[ModelFacts], *, where: str) -> None:
    """Refuse models whose answers depend on more than the image.

    Args:
        models: what run.json says of them; runs of older versions say nothing of it.
        where: what they were read from, for the message.

    Raises:
        InputError: there is one; the line names it.
    """
    for model in models:
        if model.setup is not None and model.setup.depends_on is not None:
            _refuse(model.name, model.setup.depends_on, where)


def require_repeatable_setups(checks: Iterable[SetupCheck], model: str | None = None) -> None:
    """Refuse a model whose answers depend on more than the image as soon as that is known, before the work.

    Args:
        checks: of the models of a run.
        model: the one that counts; None for all.

    Raises:
        InputError: there is one; the line names it.
    """
    for check in checks:
        if check.depends_on is not None and model in (None, check.model):
            _refuse(check.model, check.depends_on, "this run")


def setup_facts(model: ModelFacts) -> dict[str, Fact] | None:
    """Return how a model was set up: its input contract and what it returns; None of a run that does not say.

    Args:
        model: what run.json says of it.
    """
    if model.setup is None:
        return None
    facts: dict[str, Fact] = {"outputs": model.setup.outputs}
    for name, value in model.input_spec.to_dict().items():
        text = ", ".join(f"{part:.4g}" for part in value) if isinstance(value, list) else value
        facts[f"input {name.replace('_', ' ')}"] = text
    return facts


def setup_changes(ours: Mapping[str, Fact] | None, theirs: Mapping[str, Fact] | None) -> tuple[str, ...]:
    """Return in what two set-ups differ, one short text each; nothing where one of them is not known."""
    return () if ours is None or theirs is None else tuple(disagreements(ours, theirs))


def _refuse(name: str, depends_on: str, where: str) -> None:
    raise InputError(
        f"{where}: {name}: expected answers that depend on the image only, got ones that depend on "
        f"{in_words(depends_on)}: its numbers cannot be compared; mend the network (eval mode, running statistics, "
        "no dropout) and evaluate it again"
    )
