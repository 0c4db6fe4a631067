"""May two runs be compared at all? What they rest on, fact by fact, and whether a model's answers can be repeated."""

import re
from collections.abc import Collection, Iterable, Mapping

from ppbench.data.cifar_c import LABELS
from ppbench.data.own_name import own_name
from ppbench.errors import InputError
from ppbench.runs.manifest import DataFacts, ModelFacts
from ppbench.scoring.baseline_file import Fact, disagreements
from ppbench.setup.finding import SetupCheck

_CODE = "code of "
_IMAGES = "images of "
_CODEC = "jpeg_codec"
_OUTPUTS = "outputs"
_NOT_RECORDED = "not recorded (libjpeg-turbo)"
"""What runs and baselines of before the JPEG codec had a name are said to have: they agree with each other only."""


def measured_facts(
    data: DataFacts, precision: str, corruptions: Collection[str] | None = None
) -> dict[str, Fact]:
    """Return everything that must agree before outcomes may be paired image by image.

    ppbench's own version is not among them: what changes its corrupted images is their code versions, which are.

    Args:
        data: what `describe_data` says of the images.
        precision: of the evaluation.
        corruptions: whose code versions and published images count; None for all of the run.
    """
    generated = data.source == "generated"
    generator = data.generator or ""
    facts: dict[str, Fact] = {
        "data": data.name,
        "source": data.source,
        "protocol": data.protocol,
        "images": data.images,
        "num_classes": data.num_classes,
        # Published files have no seed but that of a subset, and the digest knows which images that has.
        # Before the digest, as a subset's digest follows from it: the first difference is the one that is told.
        "seed": data.seed if generated else None,
        "digest": data.digest,
        "generator": "ppbench" if generated and generator.startswith("ppbench ") else data.generator,
        "jpeg_quality": data.jpeg_quality,
        "precision": precision,
    }
    if data.jpeg_codec is not None:
        facts[_CODEC] = data.jpeg_codec
    # Runs of older versions have no digests of single corruptions.
    for about, by_corruption in (
        (_CODE, data.corruption_versions),
        (_IMAGES, data.corruption_digests),
    ):
        for name, fact in (by_corruption or {}).items():
            if corruptions is None or name in corruptions:
                facts[f"{about}{name}"] = fact
    # Runs of older versions have no sums of whole files either, and no others than of arrays have any.
    files = {} if data.files is None else data.files.md5
    read = None if corruptions is None else {LABELS, *(f"{own_name(name)}.npy" for name in corruptions)}
    facts |= {f"{_IMAGES}{name}": md5 for name, md5 in files.items() if read is None or name in read}
    return _with_codec(facts)


def answering(model: ModelFacts) -> dict[str, Fact]:
    """Return which answers of a model are errors, as a fact beside `measured_facts`; nothing where each is a class.

    The best of the classes' outputs is an answer of the same kind as that of a network which has no others.

    Args:
        model: what run.json says of it.
    """
    everything = model.outputs is not None and model.outputs.answers == "all"
    return {_OUTPUTS: "all"} if everything else {}


def require_one_convention(runs: Iterable[tuple[str, Iterable[ModelFacts]]]) -> None:
    """Refuse to put answers among the data's classes beside answers among all outputs of such a network.

    Args:
        runs: what each run is called, and what run.json says of its models.

    Raises:
        InputError: there are both.
    """
    seen: dict[str, str] = {}
    for where, models in runs:
        for model in models:
            if model.outputs is None:
                continue
            seen.setdefault(model.outputs.answers, f"{model.name} of {where}")
            if len(seen) > 1:
                raise InputError(
                    f"{where}: other answers count as errors here: with --outputs subset for {seen['subset']}, with "
                    f"--outputs all for {seen['all']}: evaluate both the same way"
                )


def require_agreement(
    ours: Mapping[str, Fact], theirs: Mapping[str, Fact], *, where: str, other: str, advice: str = ""
) -> None:
    """Refuse two measurements that cannot be paired.

    Args:
        ours: the facts of one.
        theirs: those of the other.
        where: what the one is, for the message.
        other: what the other is.
        advice: what to do about it.

    Raises:
        InputError: they differ; the line says in what.
    """
    # A corruption that only one has cannot disagree; whether both have all cells is for the pairing to check.
    theirs = _with_codec(theirs)  # a baseline file may be older
    ours, theirs = _of_both(ours, theirs), _of_both(theirs, ours)
    if _OUTPUTS in ours or _OUTPUTS in theirs:
        ours, theirs = {_OUTPUTS: "subset", **ours}, {_OUTPUTS: "subset", **theirs}
    if told := "; ".join(differences(ours, theirs)):
        raise InputError(f"{where}: not measured on the same as {other}: {told}{advice}")


def differences(ours: Mapping[str, Fact], theirs: Mapping[str, Fact]) -> list[str]:
    """Return in which facts two measurements differ, one short text each."""
    # A digest is recognised by its first digits, and a line should be readable.
    return [re.sub(r"\b([0-9a-f]{12})[0-9a-f]{20,}\b", r"\1…", text) for text in disagreements(ours, theirs)]


def _of_both(facts: Mapping[str, Fact], others: Mapping[str, Fact]) -> dict[str, Fact]:
    of_some_cells = (_CODE, _IMAGES, _CODEC)
    return {
        name: fact for name, fact in facts.items() if not name.startswith(of_some_cells) or name in others
    }


def _with_codec(facts: Mapping[str, Fact]) -> dict[str, Fact]:
    """Return facts with a JPEG codec if, and only if, a cell has been through JPEG."""
    own = facts.get("generator") == "ppbench" and f"{_CODE}jpeg_compression" in facts
    kept = {name: fact for name, fact in facts.items() if name != _CODEC}
    if own or facts.get("jpeg_quality") is not None:
        kept[_CODEC] = facts.get(_CODEC, _NOT_RECORDED)
    return kept


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
    if model.outputs is not None:
        facts["classes among the outputs"] = f"{model.outputs}, by {model.outputs.by}"
    for name, value in model.input_spec.to_dict().items():
        text = ", ".join(f"{part:.4g}" for part in value) if isinstance(value, list) else value
        facts[f"input {name.replace('_', ' ')}"] = text
    return facts


def setup_changes(ours: Mapping[str, Fact] | None, theirs: Mapping[str, Fact] | None) -> tuple[str, ...]:
    """Return in what two set-ups differ, one short text each; nothing where one of them is not known."""
    return () if ours is None or theirs is None else tuple(disagreements(ours, theirs))


def _refuse(name: str, depends_on: str, where: str) -> None:
    raise InputError(
        f"{where}: {name}: its answers depend on {in_words(depends_on)}, so its numbers cannot be compared: mend the "
        "network (eval mode, running statistics, no dropout) and evaluate it again"
    )
