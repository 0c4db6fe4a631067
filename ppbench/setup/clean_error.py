"""Is the clean error what it should be: near what is published of the network, and far from chance?"""

from math import sqrt

from ppbench.models.input_spec import InputSpec
from ppbench.models.known_error import KnownError
from ppbench.models.loaded_model import LoadedModel
from ppbench.scoring.interval import wilson
from ppbench.setup.finding import CLEAN_ERROR, Finding

LEVEL = 0.99
MARGIN = 1.0
"""Points by which a right set-up may differ from a published error: another decoder, another torch, rounding."""

MARGIN_OF_GEOMETRY = 5.0
"""The same where the network's images are resized or cropped, or classes are missing from the set."""

SUSPICIOUS = 10.0
"""Per cent; from here on an error that nobody has published is worth a search for a better set-up."""

HIGH = 0.5
"""Share of the error of guessing above which an error that nobody has published is said to be high."""


def judge(
    model: LoadedModel,
    errors: int,
    images: int,
    known: KnownError | None,
    *,
    all_classes: bool = True,
    order: str | None = None,
) -> Finding:
    """Compare the error on clean images with what is known and with guessing.

    A published error has to be within the interval of the measured one, widened by a margin at both ends.

    Args:
        model: what answered.
        errors: wrong answers on clean images.
        images: clean images.
        known: what is published of the network on these data.
        all_classes: whether every class of the set has images.
        order: which class folder has which label, or which output is which class, in words, and the option that says
            it; None where the labels are not in doubt.
    """
    error = 100 * errors / images
    low, high = wilson(errors, images, LEVEL)
    told = f"clean error {error:.1f} % on {images:,} images"
    measured = f"{told} ({100 * LEVEL:.0f} % interval {low:.1f} to {high:.1f})"
    if line := _near_chance(model, errors, images, order):
        return Finding(CLEAN_ERROR, "wrong", *line)
    if known is not None:
        geometry = model.spec.resize is not None or model.spec.crop is not None or not all_classes
        margin = MARGIN_OF_GEOMETRY if geometry else MARGIN
        says = f"{measured}, where {known.who} says {known.error:.1f} %"
        if low > known.error + margin:
            here = f"{contract(model.spec)}; from {model.spec_source}"
            return Finding(
                CLEAN_ERROR, "wrong", says, f"something of the set-up is not as it was there ({here})"
            )
        if high < known.error - margin:
            return Finding(
                CLEAN_ERROR,
                "notice",
                says,
                "are these the images that were meant, and none it was trained on?",
            )
        return Finding(CLEAN_ERROR, "ok", says)
    if error > HIGH * 100 * (1 - 1 / model.width):
        advice = (
            f"is it what you measured yourself? If not, look at the input ({contract(model.spec)}; "
            f"from {model.spec_source}) and at the order of the classes" + _in_doubt(order)
        )
        return Finding(CLEAN_ERROR, "notice", f"{measured}, which is high", advice)
    return Finding(CLEAN_ERROR, "ok", f"{measured}; nobody has published what it should be")


def suspicious(errors: int, images: int, known: KnownError | None) -> bool:
    """Return whether a clean error is worth a search for a set-up that would answer better.

    It is where it is above what is published, geometry or not, and without that from `SUSPICIOUS` on.
    """
    if known is not None:
        return wilson(errors, images, LEVEL)[0] > known.error + MARGIN
    return 100 * errors / images >= SUSPICIOUS


def contract(spec: InputSpec) -> str:
    """Return how values are scaled, in a few words."""
    if spec.normalised_inside:
        return "the model normalises by itself"
    return (
        f"mean ({', '.join(f'{m:.3g}' for m in spec.mean)}), std ({', '.join(f'{s:.3g}' for s in spec.std)})"
    )


def _in_doubt(order: str | None) -> str:
    return f" ({order})" if order else ""


def _near_chance(model: LoadedModel, errors: int, images: int, order: str | None) -> tuple[str, str] | None:
    """Return what to say where the answers are hardly better than guessing.

    Hardly better: the accuracy is at most that of guessing plus half as much again (5 points at most) plus three
    standard deviations of guessing.
    """
    chance = 1 / model.width
    limit = chance + min(chance / 2, 0.05) + 3 * sqrt(chance * (1 - chance) / images)
    if limit >= 1 or 1 - errors / images > limit:  # of few images no share says anything
        return None
    advice = (
        f"is the normalisation right ({contract(model.spec)}; from {model.spec_source}; --mean, --std, "
        f"--normalised-inside), and are the labels in the order that the model was trained with{_in_doubt(order)}?"
    )
    return f"clean error {100 * errors / images:.1f} % is near chance ({100 * (1 - chance):.1f} %)", advice
