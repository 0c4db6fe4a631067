"""A clean error near chance says that something is wrong with the set-up, not with the network's robustness."""

from math import sqrt

from ppbench.models.loaded_model import LoadedModel


def near_chance(model: LoadedModel, errors: int, images: int, classes: str = "") -> str | None:
    """Return a warning where a model's answers to clean images are hardly better than guessing, else None.

    Hardly better: its accuracy is at most that of guessing plus half as much again (5 points at most) plus
    three standard deviations of guessing.

    Args:
        model: what answered.
        errors: wrong answers on clean images.
        images: clean images.
        classes: which class folder has which label, in words; empty where the labels are not in doubt.
    """
    chance = 1 / model.num_classes
    limit = chance + min(chance / 2, 0.05) + 3 * sqrt(chance * (1 - chance) / images)
    if 1 - errors / images > limit:
        return None
    spec = model.spec
    normalised = (
        "the model normalises by itself"
        if spec.normalised_inside
        else f"mean ({', '.join(f'{m:.3g}' for m in spec.mean)}), std ({', '.join(f'{s:.3g}' for s in spec.std)})"
    )
    return (
        f"{model.name}: clean error {100 * errors / images:.1f} % is near chance ({100 * (1 - chance):.1f} %): "
        f"is the normalisation right ({normalised}; from {model.spec_source}; --mean, --std, --normalised-inside), "
        "and are the labels in the order that the model was trained with"
        + (f" ({classes}; --classes)?" if classes else "?")
    )
