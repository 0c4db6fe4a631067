"""May two measurements be paired? What they rest on, fact by fact, and what differs."""

import re
from collections.abc import Collection, Mapping

from ppbench.errors import InputError
from ppbench.runs.manifest import DataFacts
from ppbench.scoring.baseline_file import Fact, disagreements

_CODE = "code of "
_IMAGES = "images of "


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
    # Runs of older versions have no digests of single corruptions.
    for about, by_corruption in (
        (_CODE, data.corruption_versions),
        (_IMAGES, data.corruption_digests),
    ):
        for name, fact in (by_corruption or {}).items():
            if corruptions is None or name in corruptions:
                facts[f"{about}{name}"] = fact
    return facts


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
    ours, theirs = _of_both(ours, theirs), _of_both(theirs, ours)
    if told := "; ".join(differences(ours, theirs)):
        raise InputError(f"{where}: expected what {other} was measured on, got: {told}{advice}")


def differences(ours: Mapping[str, Fact], theirs: Mapping[str, Fact]) -> list[str]:
    """Return in which facts two measurements differ, one short text each."""
    # A digest is recognised by its first digits, and a line should be readable.
    return [re.sub(r"\b([0-9a-f]{12})[0-9a-f]{20,}\b", r"\1…", text) for text in disagreements(ours, theirs)]


def _of_both(facts: Mapping[str, Fact], others: Mapping[str, Fact]) -> dict[str, Fact]:
    return {
        name: fact for name, fact in facts.items() if not name.startswith((_CODE, _IMAGES)) or name in others
    }
